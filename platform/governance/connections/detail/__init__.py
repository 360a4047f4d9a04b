"""The page of one connection."""
