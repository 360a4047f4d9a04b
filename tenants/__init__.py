"""Operator, MSPs and clients; people, roles, sign-in and API keys."""
