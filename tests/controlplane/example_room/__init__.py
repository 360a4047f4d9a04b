"""A minimal room, to prove that a room needs its own files and one list entry only."""
