"""The append-only usage ledger."""
