"""Casbin rules, their compiled index, decisions with reasons, and content-bound approvals."""
