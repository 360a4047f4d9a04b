"""SCIM 2.0 (RFC 7643, RFC 7644): an account's identity provider creates and suspends its members."""
