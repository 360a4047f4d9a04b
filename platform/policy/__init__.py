"""Casbin rules, their compiled index, explained decisions, and content-bound approvals."""
