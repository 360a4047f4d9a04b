"""Single sign-on by OpenID Connect: an account's identity provider, and sign-in by it."""
