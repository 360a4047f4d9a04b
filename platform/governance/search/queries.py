"""Search of governance's objects: clients, records, connections, pending approvals and open exceptions.

Within one client, the text may be any part of a key or name. Across all clients, records are found by the beginning of
their key or name, and approvals and exceptions by the exact key of their record, so that an index serves each query.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from branding.formats import encode_exactly
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer
from foundation.i18n.messages import StoredMessage
from foundation.search_sources import FOUND_AT_MOST, SearchHit
from governance.labels import write_element
from governance.messages.writer import write_title
from governance.records.titles import fold_text, like_pattern
from tenants.relations import CLIENTS

_LAST: Final = "\U0010ffff"
_OPEN: Final = f"{CLIENTS} k ON k.tenant_id = {{0}}.tenant_id AND k.staff_access = 'standing'"
"""Clients that admit staff on request only are searched from their own pages."""
_EXCEPTION: Final = "e.id, e.message, e.params, e.record_key, e.element, e.dimension"
_PENDING: Final = "c.id, c.record_key, c.element, c.dimension"


async def find_clients(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """Clients whose name or short name contains the text."""
    rows = await _read(
        session,
        f"""SELECT slug, name FROM {CLIENTS} c
             WHERE msp_id = :msp AND (name ILIKE :pattern OR slug LIKE lower(:pattern)) ORDER BY name, slug
             LIMIT :most""",
        pattern=like_pattern(wanted),
    )
    return [SearchHit(id=row.slug, title=row.name, path=f"/clients/{row.slug}/overview") for row in rows]


async def find_records(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """Records whose key is the text, then those whose key or title contains it."""
    rows = await _read(
        session,
        """(SELECT record_key, title FROM record_title WHERE tenant_id = :t AND record_key = :key LIMIT 1)
            UNION ALL
           (SELECT record_key, title FROM record_title
             WHERE tenant_id = :t AND record_key <> :key
               AND (search LIKE :pattern OR lower(record_key) LIKE lower(:pattern)) LIMIT :most)""",
        key=wanted,
        pattern=like_pattern(fold_text(wanted)),
    )
    return [_record(row, "") for row in rows]


async def find_fleet_records(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """Records of all clients whose key or title begins with the text."""
    low = fold_text(wanted)
    rows = await _read(
        session,
        f"""SELECT DISTINCT ON (r.record_key, k.slug) r.record_key, r.title, k.slug, k.name
              FROM ((SELECT tenant_id, record_key, title FROM record_title
                      WHERE msp_id = :msp AND lower(record_key) COLLATE "C" >= :key_low
                        AND lower(record_key) COLLATE "C" < :key_high LIMIT :scanned)
                     UNION ALL
                    (SELECT tenant_id, record_key, title FROM record_title
                      WHERE msp_id = :msp AND search COLLATE "C" >= :low AND search COLLATE "C" < :high
                      LIMIT :scanned)) r
              JOIN {_OPEN.format("r")} ORDER BY r.record_key, k.slug LIMIT :most""",
        key_low=wanted.lower(),
        key_high=wanted.lower() + _LAST,
        low=low,
        high=low + _LAST,
        scanned=20 * FOUND_AT_MOST,
    )
    return [_record(row, f"/clients/{row.slug}", row.name) for row in rows]


async def find_connections(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    rows = await _read(
        session,
        f"""SELECT n.id, n.name FROM {CONNECTIONS} n
             WHERE n.tenant_id = :t AND n.state <> 'deleted' AND n.name ILIKE :pattern ORDER BY n.name, n.id
             LIMIT :most""",
        pattern=like_pattern(wanted),
    )
    return [SearchHit(id=str(row.id), title=row.name, path=f"/connections/{row.id}") for row in rows]


async def find_fleet_connections(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    rows = await _read(
        session,
        f"""SELECT n.id, n.name, k.slug, k.name AS client FROM {CONNECTIONS} n JOIN {_OPEN.format("n")}
             WHERE n.msp_id = :msp AND n.state <> 'deleted' AND n.name ILIKE :pattern ORDER BY n.name, n.id
             LIMIT :most""",
        pattern=like_pattern(wanted),
    )
    return [
        SearchHit(id=str(row.id), title=row.name, path=f"/clients/{row.slug}/connections/{row.id}", note=row.client)
        for row in rows
    ]


async def find_approvals(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """Changes of a record that wait for an answer."""
    rows = await _read(
        session,
        f"""SELECT {_PENDING} FROM change c
             WHERE c.tenant_id = :t AND c.state = 'awaiting_approval' AND lower(c.record_key) LIKE :pattern
             ORDER BY c.record_key, c.id LIMIT :most""",
        pattern=like_pattern(wanted.lower()),
    )
    return [_approval(row, "") for row in rows]


async def find_fleet_approvals(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    rows = await _read(
        session,
        f"""SELECT {_PENDING}, k.slug, k.name FROM change c JOIN {_OPEN.format("c")}
             WHERE c.msp_id = :msp AND c.state = 'awaiting_approval' AND c.record_key = :key
             ORDER BY k.name, c.id LIMIT :most""",
        key=wanted,
    )
    return [_approval(row, f"/clients/{row.slug}", row.name) for row in rows]


async def find_exceptions(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    """Open exceptions about a record."""
    rows = await _read(
        session,
        f"""SELECT {_EXCEPTION} FROM governance_exception e
             WHERE e.tenant_id = :t AND e.state = 'open' AND lower(e.record_key) LIKE :pattern
             ORDER BY e.severity DESC, e.id LIMIT :most""",
        pattern=like_pattern(wanted.lower()),
    )
    return [_exception(row, "") for row in rows]


async def find_fleet_exceptions(session: AsyncSession, wanted: str) -> Sequence[SearchHit]:
    rows = await _read(
        session,
        f"""SELECT {_EXCEPTION}, k.slug, k.name FROM governance_exception e JOIN {_OPEN.format("e")}
             WHERE e.msp_id = :msp AND e.state = 'open' AND e.record_key = :key
             ORDER BY e.severity DESC, e.id LIMIT :most""",
        key=wanted,
    )
    return [_exception(row, f"/clients/{row.slug}", row.name) for row in rows]


async def _read(session: AsyncSession, sql: str, **binds: object) -> Sequence[Row[Any]]:
    scope = scope_of(session)
    own = {"t": scope.tenant_id, "msp": scope.msp_id, "most": FOUND_AT_MOST}
    used = {name: value for name, value in own.items() if f":{name}" in sql}
    return (await session.execute(text(sql), used | binds)).all()


def _record(row: Row[Any], root: str, client: str = "") -> SearchHit:
    path = f"{root}/changes?search={encode_exactly(row.record_key)}"
    return SearchHit(id=row.record_key, title=row.title, path=path, note=client, key=row.record_key)


def _approval(row: Row[Any], root: str, client: str = "") -> SearchHit:
    title = write_element(row.element, row.dimension)
    return SearchHit(id=str(row.id), title=title, path=f"{root}/approvals/{row.id}", note=client, key=row.record_key)


def _exception(row: Row[Any], root: str, client: str = "") -> SearchHit:
    title = write_title(StoredMessage(row.message, row.params), current_localizer())
    return SearchHit(id=str(row.id), title=title, path=f"{root}/exceptions/{row.id}", note=client, key=row.record_key)
