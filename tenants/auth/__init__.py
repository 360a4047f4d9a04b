"""Sign-in, sessions, API keys and request authentication."""
