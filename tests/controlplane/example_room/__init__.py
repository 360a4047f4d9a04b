"""A tiny room, to prove that a room adds all that it has by its own files and one entry in a list."""
