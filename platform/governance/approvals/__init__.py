"""Approvals: the inbox, the answer, release and expiry."""
