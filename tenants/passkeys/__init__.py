"""Passkeys as members register, name, use and remove them."""
