"""Idempotency keys for the API."""
