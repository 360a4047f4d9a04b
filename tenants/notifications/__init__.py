"""Notifications: events that concern a member, listed for each member until read, mailed, and sent to webhooks."""
