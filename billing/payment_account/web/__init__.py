"""What this slice does at the edge of a request."""
