"""Prices of single clients, which stand in place of the common ones."""
