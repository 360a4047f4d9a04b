"""Payment methods that a client has saved at the payment provider, and whether its invoices are charged to them."""
