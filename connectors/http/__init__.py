"""Requests to other systems, and what their answers mean."""
