"""Search for clients and records from any page."""
