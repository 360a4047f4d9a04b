"""Meters: how a usage event is described on an invoice."""
