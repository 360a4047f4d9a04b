"""This room's permissions, as named by the packaged roles in `policy`."""

from enum import StrEnum


class BillingPermission(StrEnum):
    READ_INVOICES = "invoice:read"
    ISSUE_INVOICE = "invoice:issue"
    READ_PRICE_BOOKS = "price_book:read"
    WRITE_PRICE_BOOKS = "price_book:write"
