"""Identity providers of accounts (OpenID Connect): their tables, and the queries that all ways to sign in share."""
