"""Orders: their list and details, read from the governed order records."""
