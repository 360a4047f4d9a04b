"""The ledger of a client's packs: their sales, the draws of invoices, and their ends."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.packs.schemas import PackEntry, UnitPackView
from billing.packs.states import PackEnd, PackEntryKind
from billing.states import FIXED, OPEN, InvoiceState
from foundation.database.engine import scope_of
from foundation.state_machine import in_sql


async def load_packs(session: AsyncSession) -> Sequence[UnitPackView]:
    """The client's packs with their entries, in its scope, in the order of use, ended ones last."""
    keys = {"tenant": scope_of(session).tenant_id}
    rows = (await session.execute(_PACKS, keys)).all()
    drawn: dict[UUID, list[Row[Any]]] = {}
    for row in await session.execute(_DRAWN, keys) if rows else ():
        drawn.setdefault(row.pack_id, []).append(row)
    return [_view(row, drawn.get(row.id, ())) for row in rows]


async def find_left(session: AsyncSession, pack_id: UUID, *, fixed_only: bool = False) -> Decimal:
    """Units left of a pack, after all drafts or only after finalised invoices; 0 where drafts drew too much, which
    their next computation corrects.
    """
    states = FIXED if fixed_only else tuple(InvoiceState)
    keys = {"tenant": scope_of(session).tenant_id, "pack": pack_id, "states": [state.value for state in states]}
    return max(Decimal(0), await session.scalar(_LEFT, keys) or Decimal(0))


def _view(row: Row[Any], drawn: Sequence[Row[Any]]) -> UnitPackView:
    entries = sorted(
        [*_ends(row), *(entry for one in drawn for entry in _draws(one))],
        key=lambda one: (one.at is None, one.at.timestamp() if one.at else 0),
    )
    known = {name: getattr(row, name) for name in UnitPackView.__struct_fields__ if name not in ("left", "entries")}
    left = max(Decimal(0), sum((one.quantity for one in entries), Decimal(0)))
    return msgspec.convert({**known, "left": left, "entries": entries}, UnitPackView)


def _ends(row: Row[Any]) -> Sequence[PackEntry]:
    """Entries from the pack's own row: its sale and its end."""
    kind = PackEntryKind.SOLD if row.rolled_from is None else PackEntryKind.ROLLED_IN
    entries = [PackEntry(kind=kind, quantity=row.units, at=row.sold_at, note=row.reason)]
    ended = {
        PackEntryKind.ROLLED_OVER: row.rolled_units,
        PackEntryKind.WITHDRAWN if row.ended_as == PackEnd.WITHDRAWN else PackEntryKind.EXPIRED: row.lost_units,
    }
    return entries + [
        PackEntry(kind=one, quantity=-units, at=row.ended_at, note=row.end_reason or "")
        for one, units in ended.items()
        if units
    ]


def _draws(row: Row[Any]) -> Sequence[PackEntry]:
    """Entries of an invoice's draw, and of its return if the invoice was voided."""
    about: Mapping[str, Any] = {"invoice_id": row.invoice_id, "number": row.number, "is_draft": row.is_draft}
    kind = PackEntryKind.DRAWN if row.quantity > 0 else PackEntryKind.RETURNED
    entries = [PackEntry(kind=kind, quantity=-row.quantity, at=row.finalised_at, **about)]
    if row.is_void:
        entries.append(PackEntry(kind=PackEntryKind.RETURNED, quantity=row.quantity, at=row.voided_at, **about))
    return entries


_STEP: Final = """(SELECT min(s.at) FROM invoice_step s WHERE s.tenant_id = i.tenant_id AND s.invoice_id = i.id
                     AND s.state_after IN ({states}))"""
_PACKS: Final = text("""
    SELECT * FROM unit_pack WHERE tenant_id = :tenant
     ORDER BY ended_as IS NOT NULL, priority, last_month NULLS LAST, id
""")
_DRAWN: Final = text(f"""
    SELECT d.pack_id, d.invoice_id, sum(d.quantity) AS quantity, x.number, i.state IN ({in_sql(OPEN)}) AS is_draft,
           i.state = '{InvoiceState.VOID}' AS is_void, {_STEP.format(states=in_sql(FIXED))} AS finalised_at,
           {_STEP.format(states=in_sql([InvoiceState.VOID]))} AS voided_at
      FROM unit_draw d
      JOIN invoice i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
      LEFT JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id
     WHERE d.tenant_id = :tenant
     GROUP BY d.pack_id, d.invoice_id, x.number, i.tenant_id, i.id, i.state, i.period_start
    HAVING sum(d.quantity) <> 0 ORDER BY i.period_start
""")
_LEFT: Final = text(f"""
    SELECT p.units - p.lost_units - p.rolled_units - coalesce(
             (SELECT sum(d.quantity) FROM unit_draw d
                JOIN invoice i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
               WHERE d.tenant_id = :tenant AND d.pack_id = p.id AND i.state <> '{InvoiceState.VOID}'
                 AND i.state = ANY (:states)), 0)
      FROM unit_pack p WHERE p.tenant_id = :tenant AND p.id = :pack
""")
