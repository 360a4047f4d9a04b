"""Assignees of approvals and exceptions, and comments on them."""
