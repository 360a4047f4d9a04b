"""HTTP requests to other systems, and the interpretation of their responses."""
