"""Limits of usage and spending of a client, and reservations before the use."""
