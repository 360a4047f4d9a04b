"""Lines of a voided invoice beside later charges for the same usage, fees and service credits."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.steps import StepCause
from billing.line_kinds import LineKind
from billing.schemas import InvoiceDetail, Line
from billing.states import InvoiceState

_Key = tuple[str, ...]
_CAUSES: Final = ("fee", "sla_credit")
"""Parameters of a cause that are the same when the line is charged again."""


class ChargedAgain(msgspec.Struct, frozen=True):
    """A voided line, or all of one meter and month, where the price changed. `again_minor` is None while no invoice
    charges the same again, and for discounts and top-ups, which belong to one invoice. `invoice_id`: the latest invoice
    that charges it again.
    """

    line: Line
    voided_minor: int
    again_minor: int | None = None
    invoice_id: UUID | None = None

    @property
    def difference_minor(self) -> int | None:
        return None if self.again_minor is None else self.again_minor - self.voided_minor


async def load_charged_again(session: AsyncSession, voided: InvoiceDetail) -> Sequence[ChargedAgain]:
    """Voided lines with later charges, in the order of the lines; empty unless the invoice is void. Invoices that were
    finalised before that charge other usage.
    """
    invoice = voided.invoice
    since = next((step.at for step in voided.steps if step.cause == StepCause.VOIDED), None)
    if invoice.state != InvoiceState.VOID or since is None:
        return ()
    keys = [_key(line) for line in voided.lines]
    binds = {
        "tenant": invoice.client_id, "side": invoice.side.value, "start": invoice.period_start, "since": since,
        "currency": invoice.currency, "services": sorted({line.service_start for line in voided.lines}),
        "causes": [key[0] for key in keys if len(key) == 1],
    }  # fmt: skip
    again: dict[_Key, tuple[int, UUID]] = {}
    for row in await session.execute(_AGAIN, binds):
        key = _usage_key(row) if row.kind == LineKind.USAGE else (row.cause,)
        again[key] = (again.get(key, (0,))[0] + row.amount_minor, row.invoice_id)
    rows: dict[_Key, ChargedAgain] = {}
    for key, line in zip(keys, voided.lines, strict=True):
        before = rows.get(key)
        minor = line.amount_minor + (before.voided_minor if before else 0)
        rows[key] = ChargedAgain(before.line if before else line, minor, *again.get(key, (None, None)))
    return list(rows.values())


def _key(line: Line) -> _Key:
    """Key shared by lines for the same usage, fee or service credit; unique for other lines."""
    if line.kind is LineKind.USAGE:
        return _usage_key(line)
    named = next((line.cause[name] for name in _CAUSES if name in line.cause), None)
    return ("line", str(line.id), "") if named is None else (named,)


def _usage_key(line: Any) -> _Key:
    return line.meter, line.service_start.isoformat()


_AGAIN: Final = text(f"""
    SELECT l.kind, l.meter, l.service_start, l.amount_minor, l.invoice_id,
           coalesce({", ".join(f"l.cause ->> '{name}'" for name in _CAUSES)}) AS cause
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.tenant_id = :tenant AND i.side = :side AND i.state <> '{InvoiceState.VOID}' AND i.currency = :currency
       AND i.period_start > :start
       AND NOT EXISTS (SELECT 1 FROM invoice_step f WHERE f.tenant_id = i.tenant_id AND f.invoice_id = i.id
                          AND f.cause = '{StepCause.FINALISED}' AND f.at < :since)
       AND (l.kind = '{LineKind.USAGE}' AND l.service_start = ANY (:services)
            OR coalesce({", ".join(f"l.cause ->> '{name}'" for name in _CAUSES)}) = ANY (CAST(:causes AS text[])))
     ORDER BY i.period_start, l.id
""")
