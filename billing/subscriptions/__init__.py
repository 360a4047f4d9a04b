"""Subscriptions of clients to plans, and the fees that follow from them."""
