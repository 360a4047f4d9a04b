"""Queries of exceptions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.relations import DEAD_LETTERS
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from foundation.web.time_filter import parse_time
from governance.assignments.filter import assigned_binds, assigned_condition
from governance.elements.selection import is_contract_of
from governance.exceptions.queries import EXCEPTION_COLUMNS, to_exception
from governance.exceptions.schemas import ExceptionView
from governance.labels import LEVELS

_TABLES: Final = f"""governance_exception e
                  LEFT JOIN {CONNECTIONS} n ON n.tenant_id = e.tenant_id AND n.id = e.connection_id"""
_WORST: Final = 101
_FILTERS: Final = {
    "status": "e.state = :status",
    "code": "e.code = :code",
    "domain": "coalesce(split_part(e.element, '.', 1), 'none') = :domain",
    "level": "e.severity >= :level AND e.severity < :above",
    "since": "e.opened_at >= :since",
    "until": "e.opened_at < :until",
    "owner": f"""EXISTS (SELECT 1 FROM element_contract k
                         WHERE k.tenant_id = :t AND k.element = e.element AND k.owner = :owner
                           AND (e.record_key IS NULL OR {is_contract_of("k", "e")}))""",
}


async def list_exceptions(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ExceptionView]:
    """One page of `exception_queue.lists`."""
    scope, assigned = scope_of(session), query.values.get("assigned", "")
    chosen = {name: value for name, value in query.values.items() if value and name in _FILTERS}
    conditions = ["e.tenant_id = :t", *(_FILTERS[name] for name in chosen)]
    if assigned:
        conditions.append(assigned_condition(assigned, tenant="e.tenant_id", subject="e.id"))
    source = ListSource(
        columns=EXCEPTION_COLUMNS,
        tables=_TABLES,
        where=" AND ".join(conditions),
        binds={"t": scope.tenant_id, **_binds(chosen), **assigned_binds(assigned, scope.actor)},
    )
    return (await read_page(session, source, query)).map(to_exception)


def _binds(chosen: Mapping[str, str]) -> dict[str, object]:
    binds: dict[str, object] = {**chosen}
    if "level" in chosen:
        names = [name for name, _ in LEVELS]
        above = [_WORST, *(least for _, least in LEVELS)][names.index(chosen["level"])]
        binds |= {"level": dict(LEVELS)[chosen["level"]], "above": above}
    return binds | {name: parse_time(chosen[name]) for name in ("since", "until") if name in chosen}


async def list_owners(session: AsyncSession) -> list[str]:
    """Owners of elements, from the contracts."""
    owners = await session.scalars(
        text("SELECT DISTINCT owner FROM element_contract WHERE tenant_id = :t ORDER BY owner"),
        {"t": scope_of(session).tenant_id},
    )
    return list(owners)


async def find_exception(session: AsyncSession, exception_id: UUID) -> ExceptionView:
    """Return an exception. Raises NotFound."""
    row = (
        await session.execute(
            text(f"SELECT {EXCEPTION_COLUMNS} FROM {_TABLES} WHERE e.tenant_id = :t AND e.id = :id"),
            {"t": scope_of(session).tenant_id, "id": exception_id},
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return to_exception(row)


async def count_exceptions(session: AsyncSession) -> Mapping[str, int]:
    """Count open exceptions and open dead letters."""
    row = (
        await session.execute(
            text(f"""
                SELECT (SELECT count(*) FROM governance_exception
                         WHERE tenant_id = :t AND state = 'open') AS exceptions,
                       (SELECT count(*) FROM {DEAD_LETTERS} d WHERE tenant_id = :t AND state = 'open') AS letters
            """),
            {"t": scope_of(session).tenant_id},
        )
    ).one()
    return {"exceptions": row.exceptions, "letters": row.letters}
