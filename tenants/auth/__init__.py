"""Signing in, sessions, API keys, and who a request comes from."""
