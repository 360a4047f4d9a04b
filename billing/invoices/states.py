"""States of invoices."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class InvoiceState(StrEnum):
    DRAFT = "draft"
    CLOSED = "closed"
    """Final; later usage of the period is billed on a later invoice."""


INVOICES: Final = StateMachine(
    InvoiceState, starts=[InvoiceState.DRAFT], transitions={InvoiceState.DRAFT: [InvoiceState.CLOSED]}
)
