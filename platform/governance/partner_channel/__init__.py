"""A trading partner's view of its own channels."""
