"""The audit chain, readable and verifiable."""
