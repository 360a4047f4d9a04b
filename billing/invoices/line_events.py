"""The usage events of an invoice line, read in the order of the ledger's key: a page costs the same for any line."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.line_cells import in_cell
from billing.invoices.repository import load_line
from billing.price_books.pricing import Terms
from billing.rating.cells import DIMENSIONED
from billing.schemas import UsageRow
from foundation.relations import USAGE_EVENTS
from foundation.usage.ledger import hour_of
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page


async def list_line_events(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[UsageRow]:
    """One page of the usage events of `query.parents["line_id"]`, or of one cell of its price. Raises NotFound, as
    `load_line`.
    """
    line_id = query.parents["line_id"]
    line = (await load_line(session, line_id, invoice_id=query.parents.get("invoice_id"))).line
    keys: dict[str, UUID | str] = {"client_id": line.client_id, "line_id": line_id, "meter": line.meter}
    bounds = (await session.execute(_BOUNDS, {"client_id": line.client_id, "line_id": line_id})).one()
    of_cell, cell_binds = _of_cell(line.terms, query.values.get("cell", ""))
    source = ListSource(
        columns="r.usage_id, r.quantity, r.occurred_at",
        tables=_EVENTS,
        where="r.tenant_id = :client_id AND r.meter = :meter AND r.usage_id >= :low AND r.usage_id <= :high"
        f" AND ({_VOIDED if bounds.is_void else _RATED}) AND {of_cell}",
        binds={**keys, **cell_binds, "side": bounds.side, "low": bounds.low, "high": bounds.high},
    )
    page = await read_page(session, source, query)
    return page.map(lambda row: UsageRow(row.usage_id, row.quantity, row.occurred_at))


def _of_cell(terms: Terms, cell: str) -> tuple[str, Mapping[str, object]]:
    if not cell:
        return "true", {}
    condition, binds = in_cell(terms, cell)
    event = "(SELECT r.tenant_id, r.usage_id) u"
    return f"EXISTS (SELECT 1 FROM {event} {DIMENSIONED.format(id='u.usage_id')} WHERE {condition})", binds


_EVENTS: Final = f"""(SELECT tenant_id, msp_id, meter, id AS usage_id, quantity, occurred_at, recording_id
    FROM {USAGE_EVENTS} e) r"""
_BY_ROLLUP: Final = f"""EXISTS (SELECT 1 FROM rated_rollup c
    WHERE c.tenant_id = :client_id AND c.side = :side AND c.meter = r.meter AND c.recording_id = r.recording_id
      AND c.hour = {hour_of("r.occurred_at")} AND c.line_id = :line_id)"""
_BY_ITSELF: Final = """EXISTS (SELECT 1 FROM rated_usage o
    WHERE o.tenant_id = :client_id AND o.side = :side AND o.meter = r.meter AND o.usage_id = r.usage_id
      AND o.line_id = :line_id)"""
_RATED: Final = f"{_BY_ROLLUP} OR {_BY_ITSELF}"
_VOIDED: Final = f"""EXISTS (SELECT 1 FROM voided_usage v
    WHERE v.tenant_id = :client_id AND v.side = :side AND v.line_id = :line_id AND v.recording_id = r.recording_id
      AND v.hour = {hour_of("r.occurred_at")} AND r.usage_id >= v.first_id AND r.usage_id <= v.last_id)"""
_OF_LINE: Final = "tenant_id = :client_id AND line_id = :line_id"
# Range of ids that contains all events of the line, and usually few others of its meter.
_BOUNDS: Final = text(f"""
    SELECT coalesce((SELECT side FROM rated_rollup WHERE {_OF_LINE} LIMIT 1),
                    (SELECT side FROM rated_usage WHERE {_OF_LINE} LIMIT 1),
                    (SELECT side FROM voided_usage WHERE {_OF_LINE} LIMIT 1)) AS side,
           EXISTS (SELECT 1 FROM voided_usage WHERE {_OF_LINE}) AS is_void,
           least((SELECT first_id FROM rated_rollup WHERE {_OF_LINE} ORDER BY first_id LIMIT 1),
                 (SELECT usage_id FROM rated_usage WHERE {_OF_LINE} ORDER BY usage_id LIMIT 1),
                 (SELECT first_id FROM voided_usage WHERE {_OF_LINE} ORDER BY first_id LIMIT 1)) AS low,
           greatest((SELECT last_id FROM rated_rollup WHERE {_OF_LINE} ORDER BY last_id DESC LIMIT 1),
                    (SELECT usage_id FROM rated_usage WHERE {_OF_LINE} ORDER BY usage_id DESC LIMIT 1),
                    (SELECT last_id FROM voided_usage WHERE {_OF_LINE} ORDER BY last_id DESC LIMIT 1)) AS high
""")
