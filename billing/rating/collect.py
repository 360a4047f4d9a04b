"""Usage counted from rows of other rooms, entered in the ledger before it is rated."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.rating.tariffs import client_scope
from billing.sides import as_rater
from foundation.usage.ledger import collect_usage
from foundation.usage.meters import Meters

_LONGEST: Final = timedelta(days=366)
"""Older usage is no longer entered: retention may have deleted its billed events."""


async def collect_priced(session: AsyncSession, meters: Meters, *, since: datetime, now: datetime) -> None:
    """Enter the client's usage since then of all meters that a price book of either side has a price for, from the
    start of that price on. Other usage would only be listed as not priced.
    """
    collected = [meter for meter in meters if meter.collect]
    first = await _first_prices(session) if collected else {}
    seen_from = max(since, now - _LONGEST)
    for meter in collected:
        if meter.name in first and first[meter.name] < now:
            since = max(seen_from, first[meter.name])
            await collect_usage(session, meter, since=since, until=now, rows_since=seen_from)


async def _first_prices(session: AsyncSession) -> Mapping[str, datetime]:
    scope = client_scope(session)
    async with as_rater(session):
        rows = await session.execute(
            text("""
                SELECT p.meter, min(p.valid_from) AS first
                  FROM price_book b JOIN price p ON p.tenant_id = b.tenant_id AND p.book_id = b.id
                 WHERE b.tenant_id = :msp_id AND (b.client_id IS NULL OR b.client_id = :tenant_id)
                 GROUP BY p.meter
            """),
            {"msp_id": scope.msp_id, "tenant_id": scope.tenant_id},
        )
        return {row.meter: row.first for row in rows}
