"""Invoices in search results."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Result, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.permissions import BillingPermission
from foundation.database.engine import scope_of
from foundation.marks import N_
from foundation.search_sources import FOUND_AT_MOST, SearchHit, SearchSource
from tenants.relations import CLIENTS

_LAST: Final = "\U0010ffff"


async def find_invoices(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """A client's invoices whose number contains the text."""
    rows = await session.execute(
        text("""
            SELECT x.invoice_id, x.number, '' AS client FROM issued_invoice x
             WHERE x.tenant_id = :t AND x.side = 'retail' AND strpos(lower(x.number), lower(:wanted)) > 0
             ORDER BY x.number DESC LIMIT :most
        """),
        {"t": scope_of(session).tenant_id, "wanted": wanted, "most": FOUND_AT_MOST},
    )
    return _hits(rows)


async def find_fleet_invoices(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """Invoices of all clients whose number begins with the text."""
    low = wanted.upper()
    rows = await session.execute(
        text(f"""
            SELECT x.invoice_id, x.number, coalesce(k.name, '') AS client
              FROM issued_invoice x LEFT JOIN {CLIENTS} k ON k.tenant_id = x.tenant_id
             WHERE x.msp_id = :msp AND upper(x.number) COLLATE "C" >= :low AND upper(x.number) COLLATE "C" < :high
               AND (x.side = 'retail' OR x.tenant_id = x.msp_id)
             ORDER BY upper(x.number) COLLATE "C" DESC LIMIT :most
        """),
        {"msp": scope_of(session).msp_id, "low": low, "high": low + _LAST, "most": FOUND_AT_MOST},
    )
    return _hits(rows)


def _hits(rows: Result[Any]) -> Sequence[SearchHit]:
    return [
        SearchHit(id=str(row.invoice_id), title=row.number, path=f"/invoices/{row.invoice_id}", note=row.client)
        for row in rows
    ]


SEARCHED_INVOICES: Final = SearchSource(
    code="invoice", label=N_("Invoice"), icon="invoice", position=70, permission=BillingPermission.READ_INVOICES,
    client=find_invoices, fleet=find_fleet_invoices,
)  # fmt: skip
