"""Stripe's objects as the port's values.

Fields are read as they are since API version "basil": an invoice has several payments, and neither a payment intent
nor a charge names its invoice.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from billing.payments.port import (
    PaymentMethod,
    ProviderAccount,
    PushedInvoice,
    PushedLine,
    RemoteDispute,
    RemoteInvoice,
)
from billing.stripe.amounts import amount_in, amount_out

OWN_ID: Final = "fairlead_id"
OWN_CLIENT: Final = "fairlead_client"
OWN_LEDGER: Final = "fairlead_ledger"
_TAXABILITY: Final = {
    "S": "standard_rated", "Z": "zero_rated", "E": "product_exempt", "AE": "reverse_charge", "G": "not_subject_to_tax",
}  # fmt: skip
"""Stripe's reasons by the codes of UNCL 5305."""


class StripeInvoiceStatus(StrEnum):
    """Statuses of Stripe that are compared here; others pass through as text."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


def own_id(value: object) -> UUID | None:
    """The id of ours in metadata; None for another text."""
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def account_status(account: Any) -> ProviderAccount:
    wanted = getattr(account, "requirements", None)
    due = list(getattr(wanted, "currently_due", None) or []) if wanted is not None else []
    reason = getattr(wanted, "disabled_reason", None) if wanted is not None else None
    return ProviderAccount(account.id, bool(getattr(account, "charges_enabled", False)), due, reason or "")


def remote_invoice(
    invoice: Any, charges: Iterable[Any] = (), disputes: Iterable[Any] = (), notes: Iterable[Any] = ()
) -> RemoteInvoice:
    """`charges` and `disputes` are those of the invoice's payments, `notes` its credit notes."""
    metadata = invoice.metadata.to_dict() if invoice.metadata is not None else {}
    currency = str(invoice.currency).upper()
    off_line = getattr(invoice, "amount_paid_off_stripe", None) or 0
    disputes = list(disputes)
    disputed = sum(one.amount for one in disputes if _is_withdrawn(one))
    paid_at = getattr(getattr(invoice, "status_transitions", None), "paid_at", None)

    def amount(minor: int) -> int:
        return amount_in(minor, currency)

    return RemoteInvoice(
        external_id=invoice.id,
        invoice_id=own_id(metadata.get(OWN_ID)),
        client_id=own_id(metadata.get(OWN_CLIENT)),
        status=str(invoice.status),
        currency=currency,
        total_minor=amount(invoice.total),
        paid_minor=amount(invoice.amount_paid + off_line),
        paid_outside_minor=amount(off_line),
        credited_minor=amount(invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount),
        refunded_minor=amount(sum(one.amount_refunded for one in charges)),
        refunded_here_minor=amount(sum(_refunded(one) for one in notes)),
        disputed_minor=amount(disputed),
        number=invoice.number or "",
        payment_url=invoice.hosted_invoice_url or "",
        attempts=invoice.attempt_count,
        paid_at=datetime.fromtimestamp(paid_at, UTC) if paid_at else None,
        disputes=[_dispute(one, currency) for one in disputes],
    )


def _refunded(note: Any) -> int:
    """Amount refunded for a credit note of ours."""
    metadata = note.metadata.to_dict() if note.metadata is not None else {}
    if own_id(metadata.get(OWN_ID)) is None or str(note.status) == StripeInvoiceStatus.VOID:
        return 0
    return sum(one.amount_refunded for one in getattr(note, "refunds", None) or [])


def _dispute(dispute: Any, currency: str) -> RemoteDispute:
    due_by = getattr(getattr(dispute, "evidence_details", None), "due_by", None)
    return RemoteDispute(
        str(getattr(dispute, "id", "")), str(dispute.status), str(getattr(dispute, "reason", "")),
        amount_in(dispute.amount, currency), datetime.fromtimestamp(due_by, UTC) if due_by else None,
    )  # fmt: skip


def _is_withdrawn(dispute: Any) -> bool:
    """Whether the payer has the disputed money. Inquiries and appeals move none; the balance entries are in the
    account's currency, so only their sign is used.
    """
    return bool(sum(entry.amount for entry in getattr(dispute, "balance_transactions", None) or []) < 0)


def pushed_line(invoice: PushedInvoice, line: PushedLine) -> dict[str, Any]:
    """A line with the tax computed here, so that Stripe computes none."""
    values: dict[str, Any] = {
        "amount": amount_out(line.amount_minor, invoice.currency), "description": line.description[:500],
        "period": {"start": int(line.service_start.timestamp()), "end": int(line.service_end.timestamp())},
        "discountable": False,
    }  # fmt: skip
    if invoice.tax is not None and line.is_taxed:
        values["tax_amounts"] = [{
            "amount": amount_out(line.tax_minor, invoice.currency), "taxable_amount": values["amount"],
            "taxability_reason": _TAXABILITY.get(invoice.tax.category, "standard_rated"),
            "tax_rate_data": {
                "display_name": invoice.tax.label, "inclusive": False, "percentage": float(invoice.tax.percent),
            },
        }]  # fmt: skip
    return values


def payment_method(method: Any, default: str | None) -> PaymentMethod:
    details = getattr(method, method.type, None)
    return PaymentMethod(
        method.id, method.type, str(getattr(details, "brand", "") or ""), str(getattr(details, "last4", "") or ""),
        is_default=method.id == default, exp_month=getattr(details, "exp_month", None),
        exp_year=getattr(details, "exp_year", None),
    )  # fmt: skip
