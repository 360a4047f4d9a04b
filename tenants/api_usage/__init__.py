"""Calls to the API by hour and key: stored from Valkey, and metered."""
