"""Credit of clients: grants of money that invoices are paid from, in a ledger that is only added to."""
