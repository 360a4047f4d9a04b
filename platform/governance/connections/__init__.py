"""Connections: health, pausing, webhook secrets, contracts."""
