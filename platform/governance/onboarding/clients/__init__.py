"""Creating a client and changing its details: pages and API."""
