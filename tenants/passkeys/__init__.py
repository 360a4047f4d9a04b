"""Passkeys of members: registration, use at sign-in, and removal."""
