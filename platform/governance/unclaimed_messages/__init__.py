"""Unclaimed messages: of types that no room processes yet, kept until they can be replayed."""
