"""Queries of source events, newest first."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS, SOURCE_EVENTS
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.ids import id_floor
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from governance.source_events.schemas import SourceEventRow

SEARCHED_ROWS: Final = 100_000
"""Most messages that a filtered list scans from its cursor on: none of the filters has an index."""
_FILTERS: Final = {
    "connection": "CAST(e.connection_id AS varchar) = :connection",
    "via": "e.via = :via",
    "since": "e.id >= CAST(:since AS uuid)",
}
_BODY: Final = text(f"SELECT body FROM {SOURCE_EVENTS} e WHERE e.tenant_id = :t AND e.id = :id")


async def list_source_events(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[SourceEventRow]:
    """One page of `source_events.lists`."""
    chosen: dict[str, object] = {name: value.strip() for name, value in query.values.items() if value.strip()}
    if "since" in chosen:
        chosen["since"] = id_floor(datetime.fromisoformat(f"{chosen['since']}T00:00:00+00:00"))

    def source(keyset: Keyset) -> ListSource:
        return ListSource(
            columns="""e.id, e.connection_id, n.name AS connection, e.content_type, e.via, e.received_at, e.correlation,
                       octet_length(e.body) AS size""",
            tables=f"""(SELECT * FROM {SOURCE_EVENTS} e WHERE e.tenant_id = :t AND {keyset.condition}
                         ORDER BY {keyset.order} LIMIT :looked) e
                       JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = e.connection_id""",
            where=" AND ".join(["true", *(_FILTERS[name] for name in chosen)]),
            binds={"t": scope_of(session).tenant_id, "looked": SEARCHED_ROWS, **chosen},
        )

    return (await read_page(session, source, query)).map(_row)


def _row(row: Row[Any]) -> SourceEventRow:
    return SourceEventRow(**{name: getattr(row, name) for name in SourceEventRow.__struct_fields__})


async def read_body(session: AsyncSession, event_id: UUID) -> bytes:
    """The bytes of a message as they were received. Raises NotFound."""
    body = await session.scalar(_BODY, {"t": scope_of(session).tenant_id, "id": event_id})
    if body is None:
        raise NotFound
    return bytes(body)
