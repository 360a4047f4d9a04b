"""A client's live dashboard."""
