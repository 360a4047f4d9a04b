"""Rate limits of accounts: how many requests its callers may send to the API in a minute."""
