"""The audit chain: listing, formatting, verification."""
