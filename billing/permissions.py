"""This room's permissions, as named by the packaged roles in `policy`."""

from foundation.permissions import Permission


class BillingPermission(Permission):
    READ_INVOICES = "invoice:read", "Read invoices"
    ISSUE_INVOICE = "invoice:issue", "Close invoices"
    READ_PRICE_BOOKS = "price_book:read", "Read price books"
    WRITE_PRICE_BOOKS = "price_book:write", "Change price books"
