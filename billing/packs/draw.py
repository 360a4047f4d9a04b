"""Assignment of usage to packs: pure, exact and deterministic."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec


class PackBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Units left of a pack, for usage of the months from `first_month` to `last_month`, both included."""

    id: UUID
    meter: str
    left: Decimal
    priority: int
    first_month: date
    last_month: date | None

    def covers(self, meter: str, month: date) -> bool:
        in_time = self.first_month <= month and (self.last_month is None or month <= self.last_month)
        return self.meter == meter and in_time


class UnitUse(msgspec.Struct, frozen=True, kw_only=True):
    """Usage of a month on a line, negative for reversed usage. Of the same meter and month, fixed invoices priced
    `priced_before` units and drew `drawn_before` by pack.
    """

    line_id: UUID
    meter: str
    month: date
    quantity: Decimal
    priced_before: Decimal = Decimal(0)
    drawn_before: Mapping[UUID, Decimal] = {}


Draws = Mapping[UUID, Mapping[UUID, Decimal]]
"""Units by line and pack."""


def draw_units(packs: Sequence[PackBalance], uses: Sequence[UnitUse]) -> Draws:
    """Units that each use draws, in the order of the uses.

    Of packs, the lower priority number is used first, then the earlier last month, then the id. Reversed usage first
    lowers the priced units, then is returned to packs, the last used first.
    """
    ordered = sorted(packs, key=lambda one: (one.priority, one.last_month is None, one.last_month, one.id))
    left = {one.id: one.left for one in packs}
    priced: dict[tuple[str, date], Decimal] = {}
    drawn: dict[tuple[str, date], dict[UUID, Decimal]] = {}
    found: dict[UUID, dict[UUID, Decimal]] = {}
    for use in uses:
        key = (use.meter, use.month)
        had = drawn.setdefault(key, dict(use.drawn_before))
        before = priced.get(key, use.priced_before)
        moved: dict[UUID, Decimal] = {}
        if use.quantity > 0:
            wanted = use.quantity
            for pack in ordered:
                if wanted > 0 and pack.covers(use.meter, use.month) and left[pack.id] > 0:
                    moved[pack.id] = min(wanted, left[pack.id])
                    wanted -= moved[pack.id]
        else:
            back = -use.quantity - max(Decimal(0), before)
            for pack in reversed(ordered):
                if back > 0 and had.get(pack.id, Decimal(0)) > 0:
                    moved[pack.id] = -min(back, had[pack.id])
                    back += moved[pack.id]
        for pack_id, quantity in moved.items():
            left[pack_id] -= quantity
            had[pack_id] = had.get(pack_id, Decimal(0)) + quantity
        priced[key] = before + use.quantity - sum(moved.values())
        if moved:
            found[use.line_id] = moved
    return found
