"""Escalation ladders: who is told when an approval waits, or an exception is open, for too long."""
