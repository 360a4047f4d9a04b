"""Entitlements: an account's limits and switches of features. Set by billing, checked by the rooms below it."""
