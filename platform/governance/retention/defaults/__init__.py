"""Retention defaults of an MSP, over all its accounts."""
