"""Profit by client, price book and product: amounts invoiced, less the vendors' or the operator's charges."""
