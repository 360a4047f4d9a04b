"""States of invoices."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class InvoiceState(StrEnum):
    DRAFT = "draft"
    CLOSED = "closed"
    """Stays as it is; later usage of the period goes on a later invoice."""


INVOICES: Final = StateMachine(
    InvoiceState, starts=[InvoiceState.DRAFT], transitions={InvoiceState.DRAFT: [InvoiceState.CLOSED]}
)
