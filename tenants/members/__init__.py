"""People, their roles and sessions, and whether a client is served at all."""
