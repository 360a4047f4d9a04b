"""Envelope encryption: one data key per tenant, wrapped by a key outside the database."""
