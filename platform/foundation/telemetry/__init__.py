"""Logs, metrics and traces with one correlation id."""
