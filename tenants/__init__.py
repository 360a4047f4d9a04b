"""Operator, MSPs and clients; members, roles, sign-in and API keys."""
