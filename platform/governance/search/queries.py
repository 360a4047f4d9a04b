"""Queries of the search: clients of an MSP, records of a client."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.records.titles import fold_text, like_pattern
from tenants.relations import CLIENTS

SHOWN: Final = 8
"""Results of each kind: a person types more when there are more."""


async def search_clients(session: AsyncSession, wanted: str) -> Sequence[Row[Any]]:
    """Rows (slug, name) of clients whose name or short name contains the text. Needs the fleet's scope."""
    rows = await session.execute(
        text(f"""
            SELECT slug, name FROM {CLIENTS} c
             WHERE msp_id = :msp AND (name ILIKE :pattern OR slug LIKE lower(:pattern)) ORDER BY name, slug LIMIT :shown
        """),
        {"msp": scope_of(session).msp_id, "pattern": like_pattern(wanted), "shown": SHOWN},
    )
    return rows.all()


async def search_records(session: AsyncSession, wanted: str) -> Sequence[Row[Any]]:
    """Rows (record_key, title) of records whose key is the text, then of those whose key or title contains it."""
    rows = await session.execute(
        text("""
            (SELECT record_key, title FROM record_title WHERE tenant_id = :t AND record_key = :key LIMIT 1)
             UNION ALL
            (SELECT record_key, title FROM record_title
              WHERE tenant_id = :t AND record_key <> :key
                AND (search LIKE :pattern OR lower(record_key) LIKE lower(:pattern)) LIMIT :shown)
        """),
        {
            "t": scope_of(session).tenant_id,
            "key": wanted,
            "pattern": like_pattern(fold_text(wanted)),
            "shown": SHOWN,
        },
    )
    return rows.all()
