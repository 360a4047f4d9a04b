"""Renewal of a connection's credentials by a link, without an account."""
