"""The web edge: access, idempotent requests, error answers."""
