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
"""States whose charges count, so that later usage of the same month is priced on top of them."""
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
        # After the reversal of a payment, such as a returned debit.
        InvoiceState.PAID: [InvoiceState.SENT, InvoiceState.PARTLY_PAID, InvoiceState.OVERDUE],
    },
)  # fmt: skip


class PaymentKind(LabelledCode):
    """Kind of a row among an invoice's payments."""

    PAYMENT = "payment", N_("Payment")
    """A payment, or its reversal with a negative amount."""
    REFUND = "refund", N_("Refund")
    DISPUTE_WITHDRAWN = "dispute_withdrawn", N_("Dispute withdrawn")
    """Withdrawn by the payer's bank because of a dispute."""
    DISPUTE_RETURNED = "dispute_returned", N_("Dispute returned")

    def label_of(self, amount_minor: int) -> str:
        """The label for an amount's sign, to be translated."""
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
"""Label in place of the state's, because a part of the payments was refunded."""
