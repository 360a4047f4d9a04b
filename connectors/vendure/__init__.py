"""Vendure, a shop."""
