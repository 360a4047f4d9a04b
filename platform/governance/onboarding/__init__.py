"""Onboarding of clients: from their creation to the first value that is read back, and live operation."""
