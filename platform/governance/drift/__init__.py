"""Drift: values changed on a channel after their verification."""
