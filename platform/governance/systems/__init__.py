"""Connections with their health, and element contracts."""
