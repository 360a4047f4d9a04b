"""Idempotent requests: one key, one effect, one response."""
