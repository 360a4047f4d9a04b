"""Maintenance of partitions: creates the coming months and refreshes the planner's statistics of partitioned tables."""

import asyncio
import contextlib
from typing import Final

import psycopg
import structlog

from foundation.database.partitions import SCHEMA
from foundation.database.settings import with_settings

EVERY_SECONDS: Final = 6 * 3600.0
RETRY_SECONDS: Final = 300.0
_log = structlog.get_logger(__name__)


async def create_partitions(relay_conninfo: str) -> int:
    """Create the partitions that are due and return their number. Safe at any time, from several processes at once."""
    connection = await psycopg.AsyncConnection.connect(
        with_settings(relay_conninfo), autocommit=True, connect_timeout=10, application_name="fairlead partitions"
    )
    async with connection:
        cursor = await connection.execute(f"SELECT {SCHEMA}.create_ahead()")
        row = await cursor.fetchone()
        await connection.execute(f"SELECT {SCHEMA}.analyze_tables()")
    return int(row[0]) if row else 0


async def keep_partitions(relay_conninfo: str, stop: asyncio.Event, *, every: float = EVERY_SECONDS) -> None:
    """Create partitions periodically until `stop`. Rows of a month that could not be created go to the default
    partition and are moved later.
    """
    while True:
        wait = every
        try:
            if created := await create_partitions(relay_conninfo):
                _log.info("partitions.created", count=created)
        except (psycopg.Error, OSError) as error:
            wait = min(RETRY_SECONDS, every)
            _log.warning("partitions.not_created", error=str(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=wait)
            return
