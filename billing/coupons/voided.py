"""Content of voided invoices: when it is charged again, coupons that were valid in their months discount it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, FeeContext
from billing.line_kinds import LineKind
from billing.states import InvoiceState

Voided = Mapping[date, frozenset[str]]
"""Keys (`_key`) of the usage and fees on the voided invoice of each month."""


async def load_voided(session: AsyncSession, context: FeeContext) -> Voided:
    """Load voided usage and fees of the months before the draft's."""
    rows = await session.execute(
        _VOIDED, {"tenant": context.client_id, "start": context.period.start, "currency": context.currency}
    )
    found: dict[date, set[str]] = {}
    for row in rows:
        found.setdefault(row.month, set()).add(_key(row.kind, row.meter, row.service_start, row.fee))
    return {month: frozenset(keys) for month, keys in found.items()}


def places_charged_again(
    lines: Sequence[ChargedLine], voided: Voided, *, first: date, last: date | None
) -> Sequence[int]:
    """Places of the lines that are charged again for a voided month from `first` to `last`."""
    keys = {key for month, each in voided.items() if first <= month and (last is None or month <= last) for key in each}
    return [
        place for place, line in enumerate(lines)
        if _key(line.kind, line.product, line.service_from, line.cause.get("fee", "")) in keys
    ]  # fmt: skip


def _key(kind: str, meter: str, service_start: Any, fee: str | None) -> str:
    """Meter and month of usage; a fee's own key."""
    return f"{meter} {service_start.timestamp():.0f}" if kind == LineKind.USAGE else fee or "-"


_VOIDED: Final = text(f"""
    SELECT (i.period_start AT TIME ZONE 'UTC')::date AS month, l.kind, l.meter, l.service_start,
           l.cause ->> 'fee' AS fee
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state = '{InvoiceState.VOID}'
       AND i.currency = :currency AND i.period_start < :start
       AND (l.kind = '{LineKind.USAGE}' OR l.cause ->> 'fee' IS NOT NULL)
""")
