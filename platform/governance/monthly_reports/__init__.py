"""Monthly reports: a client's changes, deliveries, exceptions and answers against the targets of its contracts."""
