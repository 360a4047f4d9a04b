"""Web toolkit for Litestar: transactions, scope, guards, problem details."""
