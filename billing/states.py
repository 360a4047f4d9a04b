"""States of invoices."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class InvoiceState(StrEnum):
    DRAFT = "draft"
    GRACE = "grace"
    """The period is over; late usage still changes the draft until it is finalised."""
    FINALISED = "finalised"
    """Fixed, with its number; later usage of the period is billed on a later invoice."""
    SENT = "sent"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    """Nothing is left to pay: by payments, or by credit notes."""
    OVERDUE = "overdue"
    SUSPENDED = "suspended"
    """Overdue, and the client's service is stopped until it is paid."""
    WRITTEN_OFF = "written_off"
    VOID = "void"


OPEN: Final = (InvoiceState.DRAFT, InvoiceState.GRACE)
"""Still computed from usage."""
FIXED: Final = tuple(state for state in InvoiceState if state not in OPEN)
BILLED: Final = tuple(state for state in FIXED if state is not InvoiceState.VOID)
"""What is charged, so that later usage of the same month is priced after it."""
UNPAID: Final = (
    InvoiceState.FINALISED, InvoiceState.SENT, InvoiceState.PARTLY_PAID, InvoiceState.OVERDUE, InvoiceState.SUSPENDED,
)  # fmt: skip
_PAYMENTS: Final = (InvoiceState.PARTLY_PAID, InvoiceState.PAID)

INVOICES: Final = StateMachine(
    InvoiceState,
    starts=[InvoiceState.DRAFT],
    transitions={
        InvoiceState.DRAFT: [InvoiceState.GRACE, InvoiceState.FINALISED],
        InvoiceState.GRACE: [InvoiceState.FINALISED],
        InvoiceState.FINALISED: [InvoiceState.SENT, *_PAYMENTS, InvoiceState.OVERDUE, InvoiceState.VOID],
        InvoiceState.SENT: [*_PAYMENTS, InvoiceState.OVERDUE, InvoiceState.VOID],
        InvoiceState.PARTLY_PAID: [
            InvoiceState.PAID, InvoiceState.OVERDUE, InvoiceState.WRITTEN_OFF, InvoiceState.SENT,
        ],
        InvoiceState.OVERDUE: [
            InvoiceState.PAID, InvoiceState.SUSPENDED, InvoiceState.WRITTEN_OFF, InvoiceState.VOID,
        ],
        InvoiceState.SUSPENDED: [InvoiceState.PAID, InvoiceState.WRITTEN_OFF],
        InvoiceState.WRITTEN_OFF: [InvoiceState.PAID],
        # A payment that is taken back, such as a returned debit.
        InvoiceState.PAID: [InvoiceState.SENT, InvoiceState.PARTLY_PAID, InvoiceState.OVERDUE],
    },
)  # fmt: skip


class PaymentKind(LabelledCode):
    """What a row of an invoice's payments is."""

    PAYMENT = "payment", N_("Payment")
    """Also one that is taken back, with a negative amount."""
    REFUND = "refund", N_("Refund")
    DISPUTE_WITHDRAWN = "dispute_withdrawn", N_("Dispute withdrawn")
    """The payer's bank took it back because the payment is disputed."""
    DISPUTE_RETURNED = "dispute_returned", N_("Dispute returned")

    def label_of(self, amount_minor: int) -> str:
        """To be translated."""
        if self is PaymentKind.PAYMENT and amount_minor < 0:
            return N_("Payment taken back")
        if self is PaymentKind.REFUND and amount_minor > 0:
            return N_("Refund failed")
        return self.label


LABELS: Final[Mapping[InvoiceState, tuple[str, str]]] = {
    InvoiceState.DRAFT: (N_("Draft"), "info"),
    InvoiceState.GRACE: (N_("Ready for invoicing"), "warn"),
    InvoiceState.FINALISED: (N_("Finalised"), "info"),
    InvoiceState.SENT: (N_("Sent"), "info"),
    InvoiceState.PARTLY_PAID: (N_("Partly paid"), "warn"),
    InvoiceState.PAID: (N_("Paid"), "ok"),
    InvoiceState.OVERDUE: (N_("Overdue"), "bad"),
    InvoiceState.SUSPENDED: (N_("Suspended"), "bad"),
    InvoiceState.WRITTEN_OFF: (N_("Written off"), "neutral"),
    InvoiceState.VOID: (N_("Voided"), "neutral"),
}
"""Label and kind of the badge."""
DISPUTED: Final = (N_("Disputed"), "bad")
REFUNDED: Final = (N_("Refunded"), "neutral")
PARTLY_REFUNDED: Final = (N_("Partly refunded"), "neutral")
"""In place of a state's label, because the money is not here, or not all of it."""
