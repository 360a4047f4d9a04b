"""Exceptions: catalogue, severity, lifecycle."""
