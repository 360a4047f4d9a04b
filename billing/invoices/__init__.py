"""Invoices: drafts, closing and queries."""
