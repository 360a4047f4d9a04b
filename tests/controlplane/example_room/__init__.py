"""A minimal room, which shows that a room needs only its own files and one list entry."""
