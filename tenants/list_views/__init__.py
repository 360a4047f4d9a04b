"""Saved views of lists: filters, an order and columns under a name, of one member or of the account."""
