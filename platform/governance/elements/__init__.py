"""Element contracts, and observations that came before one."""
