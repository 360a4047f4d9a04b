"""Prices of single clients, which replace the common ones."""
