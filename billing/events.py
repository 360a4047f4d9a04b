"""Domain events of this room. The subject is the invoice."""

from typing import Any, Final

import msgspec

from foundation.events import EventType


class InvoiceMoved(msgspec.Struct, frozen=True):
    """A step of an invoice (`billing.invoices.steps`): its cause, the state after it, and the amount if it has one."""

    cause: str
    state: str
    amount_minor: int


INVOICE_MOVED: Final = EventType(
    "invoice.moved", "A finalised invoice was sent, paid, credited or is overdue", InvoiceMoved
)

EVENTS: Final[tuple[EventType[Any], ...]] = (INVOICE_MOVED,)
