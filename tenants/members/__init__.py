"""Members, their roles and sessions, and the suspension of clients."""
