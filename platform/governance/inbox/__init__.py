"""Inbox: pending approvals and open exceptions of all clients of an MSP, in one list."""
