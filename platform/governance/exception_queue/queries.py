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
from governance.elements.selection import is_contract_of
from governance.exceptions.queries import EXCEPTION_COLUMNS, to_exception
from governance.exceptions.schemas import ExceptionView

_TABLES: Final = f"""governance_exception e
                  LEFT JOIN {CONNECTIONS} n ON n.tenant_id = e.tenant_id AND n.id = e.connection_id"""
_FILTERS: Final = {
    "status": "e.state = :status",
    "code": "e.code = :code",
    "domain": "coalesce(split_part(e.element, '.', 1), 'none') = :domain",
    "owner": f"""EXISTS (SELECT 1 FROM element_contract k
                         WHERE k.tenant_id = :t AND k.element = e.element AND k.owner = :owner
                           AND (e.record_key IS NULL OR {is_contract_of("k", "e")}))""",
}


async def list_exceptions(session: AsyncSession, query: ListQuery, _: datetime) -> ResultPage[ExceptionView]:
    """One page of `exception_queue.lists`."""
    chosen = {name: value for name, value in query.values.items() if value}
    source = ListSource(
        columns=EXCEPTION_COLUMNS,
        tables=_TABLES,
        where=" AND ".join(["e.tenant_id = :t", *(_FILTERS[name] for name in chosen)]),
        binds={"t": scope_of(session).tenant_id, **chosen},
    )
    return (await read_page(session, source, query)).map(to_exception)


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
