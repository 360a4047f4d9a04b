"""Simulation: what a month's usage would have cost by other prices. Nothing is written."""
