"""Relations that this room publishes: SQL that rooms above read instead of its tables, in the same plan."""

from typing import Final

PRICE_BOOKS: Final = "(SELECT tenant_id, msp_id, id, side, client_id, currency, name FROM price_book)"
PRICES: Final = "(SELECT tenant_id, msp_id, id, book_id, meter, valid_from, valid_to FROM price)"
SUBSCRIPTIONS: Final = """(SELECT s.tenant_id, s.msp_id, s.id, s.starts_at, (
    SELECT min(e.takes_effect_at) FROM subscription_step e
     WHERE e.tenant_id = s.tenant_id AND e.subscription_id = s.id AND e.kind = 'cancel' AND e.undone_at IS NULL)
    AS ends_at FROM subscription s)"""
"""Subscriptions to plans; `ends_at` is NULL without an end."""
INVOICE_DOCUMENTS: Final = "(SELECT tenant_id, msp_id, file FROM invoice_document)"
BILLING_DETAILS: Final = "(SELECT tenant_id, msp_id, updated_at FROM billing_details)"
"""Accounts whose buyer on invoices is set; it always has a name and an address, or another client pays."""
