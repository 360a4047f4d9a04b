"""Inspecting and dropping of partitions, as the owner. Whether a partition may be dropped is the caller's decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.partitions import SCHEMA

LOCK_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a table. `end` is None for the default partition."""

    table: str
    name: str
    end: datetime | None

    @property
    def path(self) -> str:
        return f"{SCHEMA}.{self.name}"

    @property
    def default_path(self) -> str:
        return f"{SCHEMA}.{self.table}_default"


async def list_partitions(session: AsyncSession, table: str) -> Sequence[Partition]:
    """Partitions of a table, oldest first, the default partition last."""
    rows = await session.execute(
        text(f"""
            SELECT c.relname, {SCHEMA}.time_of(
                       substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)')) AS ends
              FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = CAST(:table AS regclass) ORDER BY ends NULLS LAST
        """),
        {"table": f"public.{table}"},
    )
    return [Partition(table, row.relname, row.ends) for row in rows]


async def list_tenants(session: AsyncSession, partition: Partition) -> Sequence[tuple[UUID, UUID]]:
    """(tenant, MSP) pairs of the partition's rows. A loose index scan of the primary key: it reads one row of each."""
    rows = await session.execute(
        text(f"""
            WITH RECURSIVE t AS (
                (SELECT tenant_id, msp_id FROM {partition.path} ORDER BY tenant_id LIMIT 1)
                UNION ALL
                SELECT n.* FROM t, LATERAL (SELECT p.tenant_id, p.msp_id FROM {partition.path} p
                                             WHERE p.tenant_id > t.tenant_id ORDER BY p.tenant_id LIMIT 1) n)
            SELECT tenant_id, msp_id FROM t
        """)
    )
    return [(row.tenant_id, row.msp_id) for row in rows]


async def count_rows(session: AsyncSession, partition: Partition) -> dict[UUID, int]:
    rows = await session.execute(text(f"SELECT tenant_id, count(*) AS n FROM {partition.path} GROUP BY tenant_id"))
    return {row.tenant_id: row.n for row in rows}


async def detach(session: AsyncSession, partition: Partition) -> None:
    """Detach the partition. Its range then belongs to the default partition, which stores the rows that are retained.

    The table is locked against reads and writes until the transaction ends. Fails rather than queue behind a long
    reader.
    """
    await session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
    await session.execute(text(f"ALTER TABLE public.{partition.table} DETACH PARTITION {partition.path}"))


async def drop(session: AsyncSession, partition: Partition) -> None:
    await session.execute(text(f"DROP TABLE {partition.path}"))
