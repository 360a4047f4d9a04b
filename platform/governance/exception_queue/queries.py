"""Queries of exceptions and dead letters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from governance.exceptions.queries import EXCEPTION_COLUMNS, to_exception
from governance.exceptions.schemas import ExceptionPage, ExceptionView
from governance.inputs import check_choice, check_text

EXCEPTION_STATES: Final = ("open", "resolved", "discarded")
LETTER_STATES: Final = ("open", "replayed", "discarded")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionFilter:
    """Filter of exceptions; empty fields match any. `domain` is the first part of an element's name, or `none` for
    exceptions without an element; `owner` is the owner in the element's contract.
    """

    state: str = "open"
    code: str = ""
    domain: str = ""
    owner: str = ""


async def list_exceptions(
    session: AsyncSession, *, wanted: ExceptionFilter, cursor: UUID | None = None, limit: int = 50
) -> ExceptionPage:
    """List exceptions, worst first, then oldest."""
    rows = (
        await session.execute(
            text(f"""
                WITH last AS (
                    SELECT severity, opened_at, id FROM governance_exception WHERE tenant_id = :t AND id = :cursor
                )
                SELECT {EXCEPTION_COLUMNS}
                  FROM governance_exception e
                  LEFT JOIN connection n ON n.tenant_id = e.tenant_id AND n.id = e.connection_id
                 WHERE e.tenant_id = :t AND e.state = :state AND (:code = '' OR e.code = :code)
                   AND (:domain = '' OR coalesce(split_part(e.element, '.', 1), 'none') = :domain)
                   AND (:owner = '' OR EXISTS (SELECT 1 FROM element_contract k WHERE k.tenant_id = :t
                                                  AND k.element = e.element AND k.owner = :owner))
                   AND (CAST(:cursor AS uuid) IS NULL OR EXISTS (
                        SELECT 1 FROM last l WHERE e.severity < l.severity
                            OR (e.severity = l.severity AND (e.opened_at, e.id) > (l.opened_at, l.id))))
                 ORDER BY e.severity DESC, e.opened_at, e.id LIMIT :limit
            """),
            {
                "t": scope_of(session).tenant_id,
                "state": check_choice(wanted.state, "status", EXCEPTION_STATES),
                "code": check_text(wanted.code, "code"),
                "domain": check_text(wanted.domain, "domain"),
                "owner": check_text(wanted.owner, "owner"),
                "cursor": cursor,
                "limit": limit + 1,
            },
        )
    ).all()
    items = [to_exception(row) for row in rows[:limit]]
    return ExceptionPage(items, items[-1].id if len(rows) > limit else None)


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
            text(f"""
                SELECT {EXCEPTION_COLUMNS}
                  FROM governance_exception e
                  LEFT JOIN connection n ON n.tenant_id = e.tenant_id AND n.id = e.connection_id
                 WHERE e.tenant_id = :t AND e.id = :id
            """),
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
            text("""
                SELECT (SELECT count(*) FROM governance_exception
                         WHERE tenant_id = :t AND state = 'open') AS exceptions,
                       (SELECT count(*) FROM dead_letter WHERE tenant_id = :t AND state = 'open') AS letters
            """),
            {"t": scope_of(session).tenant_id},
        )
    ).one()
    return {"exceptions": row.exceptions, "letters": row.letters}
