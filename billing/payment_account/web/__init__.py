"""Request-level parts of this slice."""
