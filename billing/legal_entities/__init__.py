"""Parties of invoices: the legal entity that issues them, its tax rates, and the billing details of the buyers."""
