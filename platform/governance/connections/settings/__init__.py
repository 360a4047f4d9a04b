"""Adding, testing and changing of connections: pages and API."""
