"""Element contracts, changes, propagation with read-back, exceptions."""
