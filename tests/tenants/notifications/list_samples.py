"""Rows of this slice's lists, for the tests of every list."""

TESTED_ELSEWHERE = {"notifications": "tests/controlplane/test_notifications.py: each reader sees their own"}
