"""Connections: health, pause, webhook secrets, contracts."""
