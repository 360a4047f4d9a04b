"""Approvals: inbox, decision, release, expiry."""
