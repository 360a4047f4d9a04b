"""Invitations of members: creation, state, and acceptance by link."""
