"""Webhooks out: endpoints of clients and MSPs, the events they receive, and the log of deliveries."""
