"""Entitlements: what an account may have, as its plan allows. Set by billing, checked by the rooms below it."""
