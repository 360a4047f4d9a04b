"""Jobs that failed for good."""
