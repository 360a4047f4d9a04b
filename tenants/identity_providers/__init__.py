"""Identity providers of accounts (OpenID Connect): their tables, and what every way to sign in has to know of them."""
