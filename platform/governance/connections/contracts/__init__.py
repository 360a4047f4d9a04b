"""Publishing and removing of element contracts, on the page of connections."""
