"""Hash-chained audit per tenant, with verification."""
