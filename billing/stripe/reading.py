"""Reads of Stripe's objects."""

from typing import Any, Final
from uuid import UUID

import stripe

from billing.payments.port import RemoteInvoice
from billing.stripe.convert import OWN_ID, StripeInvoiceStatus, remote_invoice

MISSING: Final = "resource_missing"
"""Stripe's code for an object that does not exist (any more)."""
_PAGE: Final = 100


async def find_by_own_id(listed: Any, own: UUID) -> Any:
    """The object of a list with our id in its metadata. The search of Stripe finds new objects only after a while, so
    the list itself is read.
    """
    async for one in listed.auto_paging_iter():
        if one.metadata is not None and one.metadata.to_dict().get(OWN_ID) == str(own):
            return one
    return None


async def read_remote(client: stripe.StripeClient, external_id: str) -> RemoteInvoice | None:
    """An invoice with the refunds and disputes of its payments; None if it does not exist (any more)."""
    try:
        invoice = await client.v1.invoices.retrieve_async(external_id, {"expand": ["payments"]})
    except stripe.InvalidRequestError as error:
        if error.code == MISSING:
            return None
        raise
    charges, disputes, notes = await charges_of(client, invoice), list[Any](), list[Any]()
    for charge in charges:
        if charge.disputed:
            found = await client.v1.disputes.list_async({"charge": charge.id, "limit": _PAGE})
            disputes += found.data
    if any(charge.amount_refunded for charge in charges):
        listed = await client.v1.credit_notes.list_async({"invoice": external_id, "limit": _PAGE})
        notes = [one async for one in listed.auto_paging_iter()]
    return remote_invoice(invoice, charges, disputes, notes)


async def charges_of(client: stripe.StripeClient, invoice: Any) -> list[Any]:
    """Charges that paid an invoice, which is read with its payments."""
    found: list[Any] = []
    for payment in invoice.payments.data if invoice.payments is not None else []:
        charge = await _charge_of(client, payment) if payment.status == StripeInvoiceStatus.PAID else None
        if charge is not None:
            found.append(charge)
    return found


async def _charge_of(client: stripe.StripeClient, payment: Any) -> Any:
    """The charge of an invoice's payment; None for a payment that was only recorded, outside Stripe."""
    intent_id = getattr(payment.payment, "payment_intent", None)
    if intent_id:
        intent = await client.v1.payment_intents.retrieve_async(str(intent_id), {"expand": ["latest_charge"]})
        return intent.latest_charge
    charge_id = getattr(payment.payment, "charge", None)
    return await client.v1.charges.retrieve_async(str(charge_id)) if charge_id else None


async def invoice_of(client: stripe.StripeClient, object_id: str) -> str | None:
    """The invoice that a payment, refund, credit note or dispute belongs to; None for one without an invoice."""
    kind = object_id.split("_", 1)[0]
    v1 = client.v1
    if kind == "in":
        return object_id
    if kind == "inpay":
        return str((await v1.invoice_payments.retrieve_async(object_id)).invoice)
    if kind == "cn":
        return str((await v1.credit_notes.retrieve_async(object_id)).invoice)
    if kind == "re":
        intent: Any = (await v1.refunds.retrieve_async(object_id)).payment_intent
    elif kind in {"dp", "du"}:
        intent = (await v1.disputes.retrieve_async(object_id)).payment_intent
    elif kind in {"ch", "py"}:
        intent = (await v1.charges.retrieve_async(object_id)).payment_intent
    else:
        intent = object_id if kind == "pi" else None
    if intent is None:
        return None
    asked: Any = {"payment": {"type": "payment_intent", "payment_intent": str(intent)}}
    found = (await v1.invoice_payments.list_async(asked)).data
    return str(found[0].invoice) if found else None
