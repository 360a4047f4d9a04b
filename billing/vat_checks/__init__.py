"""Checks of buyers' VAT ids in a register, before reverse charge is applied."""
