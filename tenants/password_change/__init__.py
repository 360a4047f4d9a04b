"""Change of a member's own password."""
