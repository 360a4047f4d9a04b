"""Units of a draft's usage lines that packs cover, and their ledger."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.job_types import DRAFT_AGAIN, LANE
from billing.line_kinds import LineKind
from billing.packs.draw import Draws, PackBalance, UnitUse, draw_units
from billing.price_books.pricing import PriceKind
from billing.sides import Side
from billing.states import BILLED, FIXED, OPEN, InvoiceState
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.scope import Scope
from foundation.state_machine import in_sql

_NOT_BY_UNIT: Final = (PriceKind.FLAT, PriceKind.PERCENTAGE, PriceKind.MATRIX)
"""Prices whose units are not alike: packs do not cover them."""
_NONE: Final[Draws] = {}
PACK: Final = "pack_id"
"""Name of the pack in the cause of its lines."""


async def cover_lines(
    session: AsyncSession,
    scope: Scope,
    invoice: Row[Any],
    lines: Sequence[Row[Any]],
    quantities: Mapping[UUID, Decimal],
) -> Draws:
    """Units that the lines of a retail draft draw, written in place of those of its last computation. If they changed,
    later drafts that drew from packs are computed again.
    """
    if invoice.side != Side.RETAIL:
        return _NONE
    keys = {
        "tenant": scope.tenant_id, "invoice": invoice.id, "start": invoice.period_start, "currency": invoice.currency,
    }  # fmt: skip
    packs = await load_balances(session, keys)
    if not packs:
        return _NONE
    before = await _drawn_before(session, keys)
    uses = [
        UnitUse(
            line_id=line.id, meter=line.meter, month=_month(line.service_start),
            quantity=quantities.get(line.id, line.quantity), priced_before=line.billed_before,
            drawn_before=before.get((line.meter, line.service_start), {}),
        )
        for line in sorted(lines, key=lambda one: one.service_start)
        if line.terms.get("kind") not in _NOT_BY_UNIT
    ]  # fmt: skip
    draws = draw_units(packs, uses)
    if await _write(session, scope, keys, draws) and await session.scalar(_LATER, keys):
        enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(invoice.id))])
    return draws


async def load_balances(session: AsyncSession, keys: Mapping[str, object]) -> Sequence[PackBalance]:
    """Units left of the client's packs for a draft, before its own draws and those of later drafts. 0 for a pack in
    another currency than the draft's that no billed invoice charges.
    """
    return [
        PackBalance(
            id=row.id, meter=row.meter, left=row.left, priority=row.priority, first_month=row.first_month,
            last_month=row.last_month,
        )
        for row in await session.execute(_BALANCES, keys)
    ]  # fmt: skip


async def _drawn_before(
    session: AsyncSession, keys: Mapping[str, object]
) -> Mapping[tuple[str, datetime], Mapping[UUID, Decimal]]:
    found: dict[tuple[str, datetime], dict[UUID, Decimal]] = {}
    for row in await session.execute(_BEFORE, keys):
        found.setdefault((row.meter, row.service_start), {})[row.pack_id] = row.quantity
    return found


async def _write(session: AsyncSession, scope: Scope, keys: Mapping[str, object], draws: Draws) -> bool:
    """Replace the draft's draws. Returns whether they changed."""
    wanted = {(line, pack): quantity for line, each in draws.items() for pack, quantity in each.items()}
    rows = await session.execute(_DRAWN, keys)
    if wanted == {(row.line_id, row.pack_id): row.quantity for row in rows}:
        return False
    await session.execute(_DROP, keys)
    if wanted:
        own = {**keys, "msp": scope.msp_id}
        await session.execute(
            _INSERT,
            [{**own, "line": line, "pack": pack, "quantity": quantity} for (line, pack), quantity in wanted.items()],
        )
    return True


def _month(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


_BALANCES: Final = text(f"""
    SELECT p.id, p.meter, p.priority, p.first_month, p.last_month,
           CASE WHEN p.price_minor = 0 OR p.currency = :currency OR EXISTS (
             SELECT 1 FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
              WHERE l.tenant_id = :tenant AND l.kind = '{LineKind.UNIT_PACK}' AND l.cause ->> '{PACK}' = p.id::text
                AND i.state IN ({in_sql(BILLED)}))
           THEN p.units - p.lost_units - p.rolled_units - coalesce(
             (SELECT sum(d.quantity) FROM unit_draw d
                JOIN invoice i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
               WHERE d.tenant_id = :tenant AND d.pack_id = p.id AND i.id <> :invoice
                 AND i.state <> '{InvoiceState.VOID}' AND (i.state IN ({in_sql(FIXED)}) OR i.period_start < :start)), 0)
           ELSE 0 END AS left
      FROM unit_pack p WHERE p.tenant_id = :tenant ORDER BY p.id
""")
_BEFORE: Final = text(f"""
    SELECT l.meter, l.service_start, d.pack_id, sum(d.quantity) AS quantity
      FROM unit_draw d
      JOIN invoice_line l ON l.tenant_id = d.tenant_id AND l.id = d.line_id
      JOIN invoice i ON i.tenant_id = d.tenant_id AND i.id = d.invoice_id
     WHERE d.tenant_id = :tenant AND i.id <> :invoice AND i.state IN ({in_sql(BILLED)})
     GROUP BY l.meter, l.service_start, d.pack_id
""")
_DRAWN: Final = text(
    "SELECT line_id, pack_id, quantity FROM unit_draw WHERE tenant_id = :tenant AND invoice_id = :invoice"
)
_DROP: Final = text("DELETE FROM unit_draw WHERE tenant_id = :tenant AND invoice_id = :invoice")
_INSERT: Final = text("""
    INSERT INTO unit_draw (tenant_id, msp_id, line_id, pack_id, invoice_id, quantity)
    VALUES (:tenant, :msp, :line, :pack, :invoice, :quantity)
""")
_LATER: Final = text(f"""
    SELECT 1 FROM invoice i WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.period_start > :start
       AND i.state IN ({in_sql(OPEN)})
       AND EXISTS (SELECT 1 FROM unit_draw d WHERE d.tenant_id = :tenant AND d.invoice_id = i.id) LIMIT 1
""")
