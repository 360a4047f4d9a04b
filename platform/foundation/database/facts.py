"""Facts about the entire installation, one row each, with the time of recording. Only the owner reads and
writes them.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

RECORD_FACT: Final = """
    INSERT INTO installation (name, value, recorded_at) VALUES (%s, %s, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, recorded_at = excluded.recorded_at
"""
"""For a connection of the driver: name and value, as JSON."""


class Fact(NamedTuple):
    value: dict[str, Any]
    recorded_at: datetime


async def read_fact(session: AsyncSession, name: str) -> Fact | None:
    found = (
        await session.execute(text("SELECT value, recorded_at FROM installation WHERE name = :name"), {"name": name})
    ).one_or_none()
    return None if found is None else Fact(found.value, found.recorded_at)


async def record_fact(session: AsyncSession, name: str, value: dict[str, Any], *, now: datetime) -> None:
    await session.execute(
        text("""
            INSERT INTO installation (name, value, recorded_at) VALUES (:name, CAST(:value AS jsonb), :now)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value, recorded_at = excluded.recorded_at
        """),
        {"name": name, "value": msgspec.json.encode(value).decode(), "now": now},
    )
