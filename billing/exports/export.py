"""The export of a month: invoices, credit notes and voids of all clients of an MSP.

An exported line is never left out later: a void is exported beside the invoice, also in the same month.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.exports.lines import IssuedCredit, credit_line, invoice_lines, void_lines
from billing.exports.schemas import Export, ExportLine, ExportTotal, Target
from billing.exports.targets import COLUMNS, cells_of
from billing.periods import Period, parse_month
from billing.snapshot import decode_snapshot
from billing.states import InvoiceState
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, InvalidInput
from foundation.marks import N_
from tenants.accounts import find_client_slug

MOST_LINES = 100_000
"""An export is one file in memory."""
_ISSUED = text(f"""
    SELECT * FROM (
        SELECT x.invoice_id, x.issued_on, x.number, x.snapshot, i.client_id,
               (SELECT max(s.at AT TIME ZONE coalesce(x.snapshot ->> 'time_zone', 'UTC'))::date FROM invoice_step s
                 WHERE s.tenant_id = x.tenant_id AND s.invoice_id = x.invoice_id
                   AND s.state_after = '{InvoiceState.VOID.value}') AS voided_on,
               EXISTS (SELECT FROM credit_note c WHERE c.tenant_id = x.tenant_id AND c.invoice_id = x.invoice_id
                          AND c.issued_on >= :first AND c.issued_on < :next) AS credited
          FROM issued_invoice x JOIN invoice i ON i.tenant_id = x.tenant_id AND i.id = x.invoice_id
         WHERE x.msp_id = :msp AND x.side = 'retail' AND x.issued_on < :next) AS issued
     WHERE issued_on >= :first OR credited OR voided_on >= :first AND voided_on < :next
     ORDER BY issued_on, number, invoice_id
""")
_EVENTS = text("""
    SELECT l.invoice_id, l.id, l.events FROM invoice_line l
     WHERE l.msp_id = :msp AND l.side = 'retail' AND l.invoice_id = ANY(:ids)
""")
_CREDITS = text("""
    SELECT c.invoice_id, c.id, coalesce(c.number, '') AS number, c.issued_on, c.net_minor, c.tax_minor, c.reason
      FROM credit_note c
     WHERE c.msp_id = :msp AND c.side = 'retail' AND c.issued_on >= :first AND c.issued_on < :next
     ORDER BY c.issued_on, c.number, c.id
""")


async def export_month(session: AsyncSession, *, month: str, target: Target) -> Export:
    """Read in a fleet scope. `month`: of issue, such as 2026-03.

    Raises:
        InvalidInput: no such month, or it has more than MOST_LINES lines.
        Forbidden: the scope is not a fleet's.
    """
    if not scope_of(session).fleet:
        raise Forbidden(N_("Invoices are exported by the MSP's own members only."))
    period = parse_month(month)
    lines, unnumbered = await _load(session, period)
    if len(lines) > MOST_LINES:
        raise InvalidInput(N_("This month has too many lines for one file. Export the list of invoices instead."))
    rows = [cells_of(line, target) for line in lines]
    return Export(month, target, tuple(COLUMNS[target]), rows, _totals(lines), unnumbered)


def _totals(lines: Sequence[ExportLine]) -> list[ExportTotal]:
    return [
        ExportTotal(
            currency, sum((line.net for line in own), Decimal(0)), sum((line.tax for line in own), Decimal(0)),
            sum((line.gross for line in own), Decimal(0)),
        )
        for currency in sorted({line.currency for line in lines})
        for own in [[line for line in lines if line.currency == currency]]
    ]  # fmt: skip


async def _load(session: AsyncSession, period: Period) -> tuple[list[ExportLine], int]:
    first, after = period.start.date(), period.end.date()
    binds: dict[str, Any] = {"msp": scope_of(session).msp_id, "first": first, "next": after}
    issued = (await session.execute(_ISSUED, binds)).all()
    events = await session.execute(_EVENTS, {"msp": binds["msp"], "ids": [row.invoice_id for row in issued]})
    counts: dict[UUID, int] = {row.id: row.events for row in events}
    taken_back: dict[UUID, list[IssuedCredit]] = {}
    for row in await session.execute(_CREDITS, binds):
        taken_back.setdefault(row.invoice_id, []).append(IssuedCredit(*row[1:]))
    slugs = await _slugs(session, {row.client_id for row in issued})
    lines: list[ExportLine] = []
    unnumbered = 0
    for row in issued:
        document, client = decode_snapshot(row.snapshot), slugs[row.client_id]
        if document is None:
            unnumbered += first <= row.issued_on
            continue
        if first <= row.issued_on:
            lines += invoice_lines(document, client, counts)
        if row.voided_on is not None and first <= row.voided_on < after:
            lines += void_lines(document, client, row.voided_on)
        lines += [credit_line(document, client, credit) for credit in taken_back.get(row.invoice_id, ())]
    return lines, unnumbered


async def _slugs(session: AsyncSession, ids: set[UUID]) -> Mapping[UUID, str]:
    return {each: await find_client_slug(session, each) or "" for each in ids}
