"""Audited actions of this room."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class BillingAction(AuditAction, kind=AuditKind.BILLING):
    INVOICE_CLOSED = "invoice.closed", N_("Invoice finalised")
    INVOICE_MOVED = "invoice.moved", N_("Invoice sent, paid, credited or overdue")
    INVOICES_EXPORTED = "invoice.exported", N_("Invoices exported for accounting")
    PRICE_BOOK_CREATED = "price_book.created", N_("Price book created")
    PRICE_SET = "price.set", N_("Price set")
    LEGAL_ENTITY_SET = "legal_entity.set", N_("Legal entity of invoices set")
    TAX_RATE_ADDED = "tax_rate.added", N_("Tax rate added")
    PAYMENT_ACCOUNT_SET = "payment_account.set", N_("Payments set up")
    PAYMENT_ACCOUNT_CHECKED = "payment_account.checked", N_("Connection to the payment provider checked")
    PAYMENT_METHODS_CHANGED = "payment_methods.changed", N_("Payment methods or automatic payment changed")
    BILLING_DETAILS_SET = "billing_details.set", N_("Billing details set")
    CREDIT_GRANTED = "credit.granted", N_("Credit granted to a client")
    CREDIT_WITHDRAWN = "credit.withdrawn", N_("Client's credit withdrawn")
    CREDIT_RULE_SET = "credit.rule_set", N_("Rule of a client's credit set")
    COUPON_CREATED = "coupon.created", N_("Coupon created")
    COUPON_RETIRED = "coupon.retired", N_("Coupon retired")
    COUPON_GIVEN = "coupon.given", N_("Coupon given to a client")
    COUPON_ENDED = "coupon.ended", N_("Client's coupon ended")
    METER_CREATED = "meter.created", N_("Meter declared")
    VENDOR_BILL_STORED = "vendor_bill.stored", N_("Vendor bills stored")
    VENDOR_BILL_WITHDRAWN = "vendor_bill.withdrawn", N_("Vendor bill withdrawn")
    VENDOR_MAPPING_SET = "vendor_mapping.set", N_("Vendor's client or product mapped")
    BILLING_DIFFERENCE_EXPLAINED = "billing_difference.explained", N_("Billing difference explained")
    LIMIT_SET = "limit.set", N_("Limit of usage or spending set")
    METER_RETIRED = "meter.retired", N_("Meter retired")
    PLAN_CREATED = "plan.created", N_("Plan created")
    PLAN_CHANGED = "plan.changed", N_("Version of a plan published")
    PLAN_RETIRED = "plan.retired", N_("Plan retired")
    SUBSCRIPTION_CREATED = "subscription.created", N_("Subscription created")
    SUBSCRIPTION_CHANGED = "subscription.changed", N_("Subscription changed, paused, resumed or cancelled")
    SUBSCRIPTION_STEP_UNDONE = "subscription.step_undone", N_("Scheduled change of a subscription undone")
