"""Audited actions of this room."""

from foundation.audit.actions import AuditAction


class BillingAction(AuditAction):
    INVOICE_CLOSED = "invoice.closed", "Invoice closed"
    PRICE_BOOK_CREATED = "price_book.created", "Price book created"
    PRICE_SET = "price.set", "Price set"
