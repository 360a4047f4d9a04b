"""Price books, rating and invoices, for both sides of the ledger."""
