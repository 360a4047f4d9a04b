"""Escalation ladders: who is notified when an approval waits, or an exception is open, for too long."""
