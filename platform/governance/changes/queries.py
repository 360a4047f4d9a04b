"""Queries for lists and details of changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from canonical.values import Value, read_value
from connectors.relations import CONNECTIONS, SOURCE_EVENTS
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.ids import id_floor
from foundation.web.pagination import Keyset, ListQuery, ListSource, ResultPage, read_page
from foundation.web.time_filter import parse_time
from governance.changes.columns import APPROVAL_COLUMNS, CHANGE_COLUMNS, names_of_approvers, to_approval, to_change
from governance.changes.planner import ROLLBACK
from governance.changes.schemas import ApprovalView, ChangeDetail, ChangeView, SourceEventView
from governance.exceptions.queries import EXCEPTION_COLUMNS, to_exception
from governance.exceptions.schemas import ExceptionView
from governance.propagation.attempt_queries import list_latest_attempts
from governance.propagation.queries import load_propagations
from governance.records.keys import bind_key, is_key
from governance.records.titles import search_binds, searched_row
from policy.relations import APPROVALS

SEARCHED_ROWS: Final = 100_000
"""Most changes that a filtered list scans, newest first, to bound each search; a list for one record scans that
record's changes only.
"""
ANY: Final = "*"
"""Value of the filter `dimension` for all values, divided or not."""
_LAST: Final = "\U0010ffff"
_SHOWN_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """Filter of changes; empty fields match any. `record` is a record key, or a prefix with a trailing `*`. `key` is an
    exact record key, `dimension` an exact dimension, empty for the undivided value. `search` is a case-insensitive part
    of a key or product name. `since` and `until` are bounds of the proposal, the second one exclusive.
    """

    state: str = ""
    element: str = ""
    record: str = ""
    key: str = ""
    search: str = ""
    dimension: str | None = None
    record_type: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def beginning(self) -> tuple[str, str] | None:
        """Bounds of the record key prefix: the first key inclusive, the end exclusive."""
        if not self.record.endswith("*"):
            return None
        return self.record[:-1], self.record[:-1] + _LAST


async def list_changes(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[ChangeView]:
    """One page of `changes.lists`: changes with their channels."""
    among, fits, binds = _wanted(_filter_of(query))

    def source(keyset: Keyset) -> ListSource:
        return ListSource(
            columns=CHANGE_COLUMNS,
            tables=f"""(SELECT * FROM change c WHERE {among} AND {keyset.condition}
                         ORDER BY {keyset.order} LIMIT :looked) c""",
            where=fits,
            binds={"t": scope_of(session).tenant_id, "looked": SEARCHED_ROWS, **binds},
        )

    page = await read_page(session, source, query)
    channels = await load_propagations(session, [row.id for row in page.items], now=now)
    return page.map(lambda row: to_change(row, channels[row.id]))


def _filter_of(query: ListQuery) -> ChangeFilter:
    return ChangeFilter(
        state=query["status"],
        element=query["element"],
        record=query["record"],
        key=query["key"],
        search=query["search"].strip().removesuffix("*"),
        dimension=None if query["dimension"] == ANY else query["dimension"],
        record_type=query["record_type"],
        since=parse_time(query["since"]),
        until=parse_time(query["until"]),
    )


def _wanted(wanted: ChangeFilter) -> tuple[str, str, dict[str, object]]:
    """SQL of the candidates, SQL of the filter, binds of both; unused filters are left out for the query planner."""
    among, fits, binds = ["tenant_id = :t"], ["true"], dict[str, object]()
    if wanted.state:
        fits.append("c.state = :state")
        binds["state"] = wanted.state
    for name in ("element", "dimension", "record_type"):
        if (value := getattr(wanted, name)) or (name == "dimension" and value is not None):
            fits.append(f"c.{name} = :{name}")
            binds[name] = value
    if wanted.since is not None:
        among.append("id >= :since")
        binds["since"] = id_floor(wanted.since)
    if wanted.until is not None:
        among.append("id < :until")
        binds["until"] = id_floor(wanted.until)
    if wanted.key:
        among.append("record_key = :key")
        binds["key"] = wanted.key
    if wanted.search:
        fits.append(searched_row("c"))
        binds |= search_binds(wanted.search)
    if wanted.beginning is not None:
        fits.append('c.record_key COLLATE "C" >= :low AND c.record_key COLLATE "C" < :high')
        binds["low"], binds["high"] = wanted.beginning
    elif wanted.record:
        among.append("record_key = :record")
        binds["record"] = wanted.record
    return " AND ".join(among), " AND ".join(fits), binds


async def find_change(session: AsyncSession, change_id: UUID, *, now: datetime) -> ChangeView:
    """Return a change with its channels. Raises NotFound."""
    row = (
        await session.execute(
            text(f"SELECT {CHANGE_COLUMNS} FROM change c WHERE c.tenant_id = :t AND c.id = :id"),
            {"t": scope_of(session).tenant_id, "id": change_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    channels = await load_propagations(session, [change_id], now=now)
    return to_change(row, channels[change_id])


async def read_change(session: AsyncSession, change_id: UUID, *, now: datetime) -> ChangeDetail:
    """Return the detail of a change. Raises NotFound."""
    change = await find_change(session, change_id, now=now)
    approval = None if change.approval_id is None else await _approval(session, change.approval_id)
    attempts = await list_latest_attempts(session, change_id, now=now)
    return ChangeDetail(change, approval, await _exceptions(session, change), attempts)


async def _approval(session: AsyncSession, approval_id: UUID) -> ApprovalView | None:
    row = (
        await session.execute(
            text(f"SELECT {APPROVAL_COLUMNS} FROM {APPROVALS} a WHERE a.tenant_id = :t AND a.id = :id"),
            {"t": scope_of(session).tenant_id, "id": approval_id},
        )
    ).one_or_none()
    return None if row is None else to_approval(row, await names_of_approvers(session, [row]))


async def _exceptions(session: AsyncSession, change: ChangeView) -> list[ExceptionView]:
    """Exceptions of the change, and open ones about the same record and element."""
    rows = await session.execute(
        text(f"""
            SELECT {EXCEPTION_COLUMNS}
              FROM governance_exception e
              LEFT JOIN {CONNECTIONS} n ON n.tenant_id = e.tenant_id AND n.id = e.connection_id
             WHERE e.tenant_id = :t AND e.state = 'open'
               AND (e.change_id = :id OR ({is_key("e")}))
             ORDER BY e.severity DESC, e.opened_at LIMIT 20
        """),
        {"t": scope_of(session).tenant_id, "id": change.id, **bind_key(change.key)},
    )
    return [to_exception(row) for row in rows]


class Reference(msgspec.Struct, frozen=True):
    """A reference value, with which policy compares others. Channels never show it, and a passed update is not a
    change.
    """

    element: str
    dimension: str
    value: Value
    source: str
    committed_at: datetime | None


async def read_references(session: AsyncSession, record_key: str) -> Sequence[Reference]:
    rows = await session.execute(
        text(f"""
            SELECT v.element, v.dimension, v.value, coalesce(n.name, '') AS source, v.source_committed_at
              FROM record_value v
              LEFT JOIN {CONNECTIONS} n ON n.tenant_id = v.tenant_id AND n.id = v.source_connection_id
             WHERE v.tenant_id = :t AND v.record_key = :key AND v.element = ANY (:references) AND v.value IS NOT NULL
             ORDER BY v.element, v.dimension
        """),
        {"t": scope_of(session).tenant_id, "key": record_key, "references": sorted(REFERENCE_ELEMENTS)},
    )
    return [
        Reference(row.element, row.dimension, read_value(row.value), row.source, row.source_committed_at)
        for row in rows
    ]


async def is_current(session: AsyncSession, change: ChangeView) -> bool:
    """Whether this change is the approved value now, the condition for a rollback."""
    found = await session.execute(
        text(f"""
            SELECT 1 FROM record_value v
             WHERE tenant_id = :t AND {is_key("v")}
               AND (change_id = :id OR CAST(:of_one_channel AS boolean) AND version = :version)
        """),
        {
            "t": scope_of(session).tenant_id,
            **bind_key(change.key),
            "id": change.id,
            "of_one_channel": change.origin == ROLLBACK and change.targets is not None,
            "version": change.version,
        },
    )
    return found.scalar() is not None


async def find_event(session: AsyncSession, event_id: UUID) -> SourceEventView:
    """Return a source event with the beginning of its body. Raises NotFound."""
    row = (
        await session.execute(
            text(f"""
                SELECT e.id, e.connection_id, n.name, e.content_type, e.via, e.received_at, e.correlation,
                       octet_length(e.body) AS size, substring(e.body FROM 1 FOR :shown) AS body
                  FROM {SOURCE_EVENTS} e JOIN {CONNECTIONS} n ON n.tenant_id = e.tenant_id AND n.id = e.connection_id
                 WHERE e.tenant_id = :t AND e.id = :id
            """),
            {"t": scope_of(session).tenant_id, "id": event_id, "shown": _SHOWN_BYTES},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return SourceEventView(
        id=row.id,
        connection_id=row.connection_id,
        connection=row.name,
        content_type=row.content_type,
        via=row.via,
        received_at=row.received_at,
        correlation=row.correlation,
        size=row.size,
        body=_readable(bytes(row.body)),
        truncated=row.size > _SHOWN_BYTES,
    )


def _readable(body: bytes) -> str:
    r"""Decode text; undecodable bytes and control characters, which a page would drop, become \xNN."""
    decoded = body.decode("utf-8", errors="backslashreplace")
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in decoded)
