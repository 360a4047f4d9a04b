"""Backups of the whole installation, and restoring them into fresh servers."""
