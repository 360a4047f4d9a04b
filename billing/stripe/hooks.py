"""Webhooks of Stripe, of both kinds: snapshots, and thin events, which have only their object's id."""

from collections.abc import Sequence
from typing import Any, Final

import stripe

from billing.payments.port import Notice
from billing.payments.states import EventTopic
from foundation.decoding import decode_json
from foundation.errors import DomainError, Unauthenticated
from foundation.marks import N_

_TOLERANCE_SECONDS = 300
_INVOICE_TYPES: Final = (
    "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.refund.updated", "charge.refunded",
    "credit_note.created", "credit_note.voided", "invoice.deleted", "invoice.marked_uncollectible", "invoice.overpaid",
    "invoice.paid", "invoice.payment_failed", "invoice.payment_succeeded", "invoice.voided", "invoice_payment.paid",
    "refund.created", "refund.failed", "refund.updated",
)  # fmt: skip
"""Events that may change the stored state of an invoice. Stripe lists at most twenty types at once."""
TYPES_OF: Final = {
    EventTopic.INVOICES: _INVOICE_TYPES,
    EventTopic.METHODS: (
        "checkout.session.completed", "customer.updated", "payment_method.attached",
        "payment_method.automatically_updated", "payment_method.updated", "setup_intent.succeeded",
    ),
    EventTopic.ACCOUNT: ("account.updated", "v2.core.account[requirements].updated", "v2.core.account.updated"),
}  # fmt: skip
TOPIC_OF: Final = {name: topic for topic, names in TYPES_OF.items() for name in names}
"""Topic by type of event; other types concern the account's other business."""


def verify_hook(body: bytes, signature: str, secrets: Sequence[str]) -> Notice:
    """Verify a webhook and return its subject; the object's state in it is ignored, because webhooks arrive in any
    order.

    Raises:
        Unauthenticated: no secret fits, the signature is older than five minutes, or the body is no event.
    """
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body.decode(), signature, secret, _TOLERANCE_SECONDS)
            return _read(decode_json(body))
        except stripe.SignatureVerificationError:
            continue
        except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, DomainError):
            break
    raise Unauthenticated(N_("No signature matches the body. Check that both sides use the same signing secret."))


def _read(event: dict[str, Any]) -> Notice:
    if event.get("object") == "v2.core.event":
        related = event.get("related_object") or {}
        account = str(event.get("context") or "")
        return Notice(str(event["id"]), str(event["type"]), str(related.get("id", "")), account)
    object_id = str(event["data"]["object"].get("id") or "")
    return Notice(str(event["id"]), str(event["type"]), object_id, str(event.get("account") or ""))
