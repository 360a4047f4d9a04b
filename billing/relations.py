"""Relations that this room publishes: SQL that rooms above read instead of its tables, in the same plan."""

from typing import Final

PRICE_BOOKS: Final = "(SELECT tenant_id, msp_id, id, side, client_id, currency, name FROM price_book)"
PRICES: Final = "(SELECT tenant_id, msp_id, id, book_id, meter, valid_from, valid_to FROM price)"
SUBSCRIPTIONS: Final = "(SELECT tenant_id, msp_id, id, starts_at FROM subscription)"
SUBSCRIPTION_STEPS: Final = """(SELECT tenant_id, msp_id, subscription_id, kind, takes_effect_at, undone_at
    FROM subscription_step)"""
"""A subscription ends with the first step of kind `cancel` that is not undone."""
INVOICE_DOCUMENTS: Final = "(SELECT tenant_id, msp_id, file FROM invoice_document)"
BILLING_DETAILS: Final = "(SELECT tenant_id, msp_id, updated_at FROM billing_details)"
"""Accounts with billing details, which always have a name and an address, or another client as payer."""
