"""Policy of a client: rules as people read and edit them, drafts, replays over recorded changes, and versions."""
