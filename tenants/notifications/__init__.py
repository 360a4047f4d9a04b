"""Notifications: what happened, for each member whom it concerns, until they have read it."""
