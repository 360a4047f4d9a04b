"""Queries of connection health, backlogs and element contracts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from connectors.translation.job_type import ingest_lane
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import translate
from foundation.i18n.messages import to_message
from foundation.relations import JOBS
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.connections.schemas import ConnectionView, ContractView
from governance.elements.declarations import is_retired
from governance.elements.value_rules import ValueRules
from governance.job_types import push_lane, verify_lane
from governance.labels import DELETED_CONNECTION
from governance.messages.writer import write_reason
from governance.relations import ONBOARDINGS
from tenants.relations import PARTNERS

MANY: Final = 10_000
_COLUMNS: Final = 11
"""Columns before `last_error`."""
_SHOWN_COLUMNS: Final = 15
"""Columns of `_SHOWN`; rows of a list also have the columns of its order."""
_WHERE: Final = {
    "environment": "n.environment = :environment",
    "partner": "CAST(n.partner_id AS varchar) = lower(:partner)",
    "search": "strpos(lower(n.name), lower(:search)) > 0",
}
"""Conditions of `connections.lists`, by filter."""


_SHOWN: Final = """n.id, n.kind, n.is_source, n.takes_webhooks, n.writes, n.name, n.base_url, n.state,
                   p.name AS partner, n.last_success_at, n.last_failure_at, n.last_error,
                   n.environment, n.last_message_at, n.credentials_expire_on"""
_TABLES: Final = f"""{CONNECTIONS} n
                  LEFT JOIN {PARTNERS} p ON p.tenant_id = n.tenant_id AND p.partner_id = n.partner_id"""


async def list_connections(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ConnectionView]:
    """One page of `connections.lists`, with the backlog of each."""
    chosen = {name: value for name, value in query.values.items() if value}
    source = ListSource(
        columns=_SHOWN,
        tables=_TABLES,
        where=" AND ".join(["n.tenant_id = :t AND n.state <> 'deleted'", *(_WHERE[name] for name in chosen)]),
        binds={"t": scope_of(session).tenant_id, **chosen},
    )
    page = await read_page(session, source, query)
    return page.with_items(await _with_backlogs(session, page.items))


async def load_connection(session: AsyncSession, connection_id: UUID) -> ConnectionView:
    """One connection as the list shows it. Raises NotFound."""
    rows = await session.execute(
        text(f"SELECT {_SHOWN} FROM {_TABLES} WHERE n.tenant_id = :t AND n.id = :c AND n.state <> 'deleted'"),
        {"t": scope_of(session).tenant_id, "c": connection_id},
    )
    found = await _with_backlogs(session, rows.all())
    if not found:
        raise NotFound
    return found[0]


async def _with_backlogs(session: AsyncSession, rows: Sequence[Row[Any]]) -> list[ConnectionView]:
    lanes = [[ingest_lane(row.id), push_lane(row.id), verify_lane(row.id)] for row in rows]
    waiting = await session.execute(
        text(f"""
            SELECT l.place, count(w.enqueued_at) AS waiting, min(w.enqueued_at) AS oldest
              FROM unnest(CAST(:ingest AS varchar[]), CAST(:push AS varchar[]), CAST(:verify AS varchar[]))
                       WITH ORDINALITY AS l (ingest, push, verify, place)
              LEFT JOIN LATERAL (
                   SELECT j.enqueued_at FROM {JOBS} j
                    WHERE j.tenant_id = :t AND j.lane IN (l.ingest, l.push, l.verify) LIMIT :many) w ON true
             GROUP BY l.place ORDER BY l.place
        """),
        {
            "t": scope_of(session).tenant_id,
            "ingest": [names[0] for names in lanes],
            "push": [names[1] for names in lanes],
            "verify": [names[2] for names in lanes],
            "many": MANY,
        },
    )
    return [_connection(row, lane) for row, lane in zip(rows, waiting, strict=True)]


def _connection(row: Row[Any], lane: Row[Any]) -> ConnectionView:
    problem = to_message(row.last_error)
    problem_fields = (write_reason(problem), problem)
    fields: list[Any] = [
        *row[:_COLUMNS],
        *problem_fields,
        *row[_COLUMNS + 1 : _SHOWN_COLUMNS],
        lane.waiting,
        lane.oldest,
    ]
    return ConnectionView(*fields)


async def list_sources(session: AsyncSession) -> list[tuple[str, str]]:
    """Id and name of each connection that reports values."""
    rows = await session.execute(
        text(f"""
            SELECT id, name FROM {CONNECTIONS} n
             WHERE tenant_id = :t AND is_source AND state <> 'deleted' ORDER BY name, id
        """),
        {"t": scope_of(session).tenant_id},
    )
    return [(str(row.id), row.name) for row in rows]


async def list_contracts(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ContractView]:
    """One page of `connections.lists`."""
    chosen = {name: value for name, value in query.values.items() if value}
    source = ListSource(
        columns=f"""k.element, k.selector, k.owner, k.workflow, n.name AS source,
                   k.propagation_slo_ms, k.correction_slo_ms, k.decision_slo_ms, k.approval_ttl_s, k.version,
                   k.published_at, k.source_connection_id, k.sensitivity, k.value_rules, k.channels,
                   ARRAY(SELECT c.name FROM {CONNECTIONS} c WHERE c.tenant_id = k.tenant_id AND c.id = ANY (k.channels)
                            AND c.state <> 'deleted' ORDER BY c.name) AS channel_names,
                   EXISTS (SELECT 1 FROM element_contract o WHERE o.tenant_id = k.tenant_id AND o.element = k.element
                              AND o.selector <> k.selector) AS is_shared""",
        tables=f"""element_contract k
                  LEFT JOIN {CONNECTIONS} n ON n.tenant_id = k.tenant_id AND n.id = k.source_connection_id""",
        where=" AND ".join(["k.tenant_id = :t", f"NOT {is_retired('k')}", *(f"k.{name} = :{name}" for name in chosen)]),
        binds={"t": scope_of(session).tenant_id, **chosen},
    )
    return (await read_page(session, source, query)).map(_contract)


def _without_source(connection_id: UUID | None) -> str:
    return translate("people and API clients") if connection_id is None else translate(DELETED_CONNECTION)


def _contract(row: Row[Any]) -> ContractView:
    source = row.source or _without_source(row.source_connection_id)
    return ContractView(
        row.element, row.selector, source, row.owner, row.workflow, timedelta(milliseconds=row.propagation_slo_ms),
        timedelta(milliseconds=row.correction_slo_ms), timedelta(milliseconds=row.decision_slo_ms),
        timedelta(seconds=row.approval_ttl_s), row.version, row.published_at,
        row.source_connection_id, row.is_shared, row.sensitivity, msgspec.convert(row.value_rules, ValueRules),
        row.channels, row.channel_names,
    )  # fmt: skip


async def is_in_onboarding(session: AsyncSession) -> bool:
    """Whether the scope's client is not live yet."""
    found = await session.scalar(
        text(f"SELECT EXISTS (SELECT 1 FROM {ONBOARDINGS} o WHERE tenant_id = :t AND live_at IS NULL)"),
        {"t": scope_of(session).tenant_id},
    )
    return bool(found)
