"""Exceptions: what can go wrong, how severe it is, and its life."""
