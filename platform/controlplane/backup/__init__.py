"""Backup of the full installation, and restore into fresh servers."""
