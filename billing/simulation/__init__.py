"""Simulation: the cost of a month's usage by other prices. Nothing is written."""
