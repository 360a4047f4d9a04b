"""Handler parameters of the room."""
