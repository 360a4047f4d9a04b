"""Stripe as a payment provider, by the official SDK."""
