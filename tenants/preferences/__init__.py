"""Language and time zone of members and accounts."""
