"""Ends of packs, and the kinds of entries in their ledger."""

from enum import StrEnum
from typing import Final

from foundation.marks import N_


class PackEnd(StrEnum):
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class PackEntryKind(StrEnum):
    SOLD = "sold"
    ROLLED_IN = "rolled_in"
    DRAWN = "drawn"
    RETURNED = "returned"
    EXPIRED = "expired"
    ROLLED_OVER = "rolled_over"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return PACK_ENTRY_LABELS[self]


PACK_ENTRY_LABELS: Final = {
    PackEntryKind.SOLD: N_("Sold"),
    PackEntryKind.ROLLED_IN: N_("Rolled over from an earlier pack"),
    PackEntryKind.DRAWN: N_("Used"),
    PackEntryKind.RETURNED: N_("Given back"),
    PackEntryKind.EXPIRED: N_("Expired"),
    PackEntryKind.ROLLED_OVER: N_("Rolled over to a new pack"),
    PackEntryKind.WITHDRAWN: N_("Withdrawn"),
}
