"""This room's permissions, as named by the packaged roles in `policy`."""

from foundation.marks import N_
from foundation.permissions import Permission


class BillingPermission(Permission, heading=N_("Invoices and prices")):
    READ_INVOICES = "invoice:read", N_("Read invoices")
    ISSUE_INVOICE = "invoice:issue", N_("Close invoices")
    READ_PRICE_BOOKS = "price_book:read", N_("Read price books")
    WRITE_PRICE_BOOKS = "price_book:write", N_("Change price books")
    WRITE_LEGAL_ENTITY = "legal_entity:write", N_("Change the legal entity that issues invoices")
    WRITE_PAYMENT_ACCOUNT = "payment_account:write", N_("Set how clients pay")
    PAY_INVOICE = "invoice:pay", N_("Pay invoices and keep payment methods")
    WRITE_BILLING_DETAILS = "billing_details:write", N_("Change billing details")
    READ_USAGE = "usage:read", N_("Read usage")
    REPORT_USAGE = "usage:report", N_("Report usage")
    WRITE_METERS = "meter:write", N_("Declare meters")
    READ_VENDOR_BILLS = "vendor_bill:read", N_("Read vendor bills")
    WRITE_VENDOR_BILLS = "vendor_bill:write", N_("Store and map vendor bills, and explain differences")
    READ_PROFIT = "profit:read", N_("See profit and revenue")
    WRITE_SUBSCRIPTIONS = "subscription:write", N_("Change subscriptions")
