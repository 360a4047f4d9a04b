"""Rate limits of accounts: requests to the API per minute, of one caller and of all."""
