"""Kinds of credit and of its transactions."""

from enum import StrEnum
from typing import Final

from foundation.marks import N_

BALANCE: Final = "balance"
"""Method of payments from a client's credit."""


class GrantKind(StrEnum):
    PREPAID = "prepaid"
    PROMOTIONAL = "promotional"
    CREDIT_NOTE = "credit_note"
    OVERPAYMENT = "overpayment"
    TOP_UP = "top_up"

    @property
    def label(self) -> str:
        return GRANT_LABELS[self]


class MoveKind(StrEnum):
    GRANTED = "granted"
    USED = "used"
    RESTORED = "restored"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return MOVE_LABELS[self]


GIVEN: Final = (GrantKind.PREPAID, GrantKind.PROMOTIONAL)
"""Kinds that a person grants; the others follow from invoices."""
REPAID: Final = (GrantKind.CREDIT_NOTE, GrantKind.OVERPAYMENT)
"""Kinds that are the client's own money."""
GRANT_LABELS: Final = {
    GrantKind.PREPAID: N_("Prepaid"),
    GrantKind.PROMOTIONAL: N_("Promotional"),
    GrantKind.CREDIT_NOTE: N_("From a credit note"),
    GrantKind.OVERPAYMENT: N_("From an overpayment"),
    GrantKind.TOP_UP: N_("Automatic top-up"),
}
MOVE_LABELS: Final = {
    MoveKind.GRANTED: N_("Granted"),
    MoveKind.USED: N_("Used"),
    MoveKind.RESTORED: N_("Given back"),
    MoveKind.EXPIRED: N_("Expired"),
    MoveKind.WITHDRAWN: N_("Withdrawn"),
}
