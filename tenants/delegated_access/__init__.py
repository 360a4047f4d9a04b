"""Delegated access: an MSP's staff enter a client for a time that its own members approved."""
