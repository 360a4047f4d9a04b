"""Impersonation: staff look at a client's pages as one of its members."""
