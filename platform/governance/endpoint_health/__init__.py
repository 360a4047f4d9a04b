"""Exceptions about webhook endpoints that the product has paused."""
