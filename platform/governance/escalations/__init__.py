"""Escalation ladders: notification of further roles about approvals and exceptions that are open for too long."""
