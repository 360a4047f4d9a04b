"""Profit by client, price book and product: what was invoiced, less what vendors or the operator charged for it."""
