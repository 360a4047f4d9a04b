"""Element contracts, and observations held until a contract is published."""
