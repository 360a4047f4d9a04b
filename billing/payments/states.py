"""States of requests, events and invoices at payment providers."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from foundation.marks import N_
from foundation.state_machine import StateMachine


class RequestState(StrEnum):
    PENDING = "pending"
    """Written before the call. The call may or may not have taken effect."""
    DONE = "done"
    REFUSED = "refused"


REQUESTS: Final = StateMachine(
    RequestState,
    starts=[RequestState.PENDING],
    transitions={
        RequestState.PENDING: [RequestState.DONE, RequestState.REFUSED],
        RequestState.REFUSED: [RequestState.PENDING],
    },
)
"""A refused request is sent again at a person's request."""


class EventState(StrEnum):
    PENDING = "pending"
    APPLIED = "applied"
    IGNORED = "ignored"
    """Concerns none of our objects."""


EVENTS: Final = StateMachine(
    EventState,
    starts=[EventState.PENDING],
    transitions={EventState.PENDING: [EventState.APPLIED, EventState.IGNORED]},
)


class EventTopic(StrEnum):
    """Subject of a provider's event."""

    INVOICES = "invoices"
    METHODS = "methods"
    """Payment methods of a client."""
    ACCOUNT = "account"
    """The account itself."""


NEEDS_CONFIRMATION: Final = "requires_action"
"""A charge that the payer has to confirm at the bank (3-D Secure), in place of why it was declined."""


class RemoteStatus(StrEnum):
    """States of an invoice at the provider that affect behaviour here; others pass through as text."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


DISPUTE_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "warning_needs_response": (N_("Inquiry: needs an answer"), "warn"),
    "warning_under_review": (N_("Inquiry: under review"), "warn"),
    "warning_closed": (N_("Inquiry closed"), "neutral"),
    "needs_response": (N_("Dispute: needs an answer"), "bad"),
    "under_review": (N_("Dispute: under review"), "warn"),
    "appeal_needs_response": (N_("Dispute: needs an answer"), "bad"),
    "appeal_under_review": (N_("Dispute: under review"), "warn"),
    "won": (N_("Dispute won"), "ok"),
    "lost": (N_("Dispute lost"), "bad"),
    "prevented": (N_("Dispute prevented"), "neutral"),
}
"""Label and kind of the badge, by the provider's word; others are shown as they are."""
CLOSED_DISPUTES: Final = ("warning_closed", "won", "lost", "prevented")
DISPUTE_REASONS: Final[Mapping[str, str]] = {
    "bank_cannot_process": N_("The bank could not process the payment."),
    "check_returned": N_("The cheque was returned."),
    "credit_not_processed": N_("The payer says that a promised refund was not paid."),
    "customer_initiated": N_("The payer asked the bank for the money back."),
    "debit_not_authorized": N_("The payer says that the debit was not authorised."),
    "duplicate": N_("The payer says that the payment was made twice."),
    "fraudulent": N_("The payer says that they did not authorise the payment."),
    "general": N_("The bank gives no particular reason."),
    "incorrect_account_details": N_("The account details of the debit were wrong."),
    "insufficient_funds": N_("The payer's account did not hold enough money."),
    "noncompliant": N_("The payment broke the rules of the card network, the bank says."),
    "product_not_received": N_("The payer says that the product or service was not received."),
    "product_unacceptable": N_("The payer says that the product or service was not as described."),
    "subscription_canceled": N_("The payer says that the subscription was cancelled before."),
    "unrecognized": N_("The payer does not recognise the payment on the statement."),
}
"""Reasons given by the payer's bank, by the provider's word; others are shown as codes."""
UNPAID_THERE: Final = (RemoteStatus.OPEN, RemoteStatus.UNCOLLECTIBLE)
REMOTE_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "": (N_("Being sent to the payment provider"), "info"),
    RemoteStatus.DRAFT: (N_("Being prepared"), "info"),
    RemoteStatus.OPEN: (N_("Waiting for payment"), "info"),
    RemoteStatus.PAID: (N_("Paid"), "ok"),
    RemoteStatus.VOID: (N_("Voided"), "neutral"),
    RemoteStatus.UNCOLLECTIBLE: (N_("Not collectible"), "warn"),
}
"""Label and kind of the badge."""
