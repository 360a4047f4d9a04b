"""Trading partners of a client: created, renamed, suspended and resumed."""
