"""Invoices: drafts, closing, reading."""
