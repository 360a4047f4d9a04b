"""What isolation costs.

The same statements through the product's `Database` under a tenant's scope and row-level security, and through a plain
session on an unprotected copy of the table. Both name `tenant_id`, both are one transaction per statement; fifty
tenants' rows are in each table.
"""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg
import uvloop
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from foundation.settings import with_role
from tests.benchmarks.rig import Rig, running_rig
from tests.benchmarks.table import Row, at_least

TENANTS, ROWS = 50, 2_000
ROUNDS, BATCH = 40, 50
SETUP = """
CREATE TABLE bench_value (LIKE record_value INCLUDING ALL);
CREATE ROLE bench_plain LOGIN PASSWORD 'plain' NOSUPERUSER NOBYPASSRLS;
GRANT SELECT, INSERT, UPDATE, DELETE ON bench_value TO bench_plain;
"""
FILL = """
INSERT INTO {table} (tenant_id, msp_id, record_key, element, source_amount, source_currency, source_version, version)
SELECT t, t, 'SKU-' || lpad(n::text, 6, '0'), 'price.list', n, 'USD', 1, 1
  FROM unnest(%s::uuid[]) AS t, generate_series(1, %s) AS n
"""
WRITE = """
INSERT INTO {table} (tenant_id, msp_id, record_key, element, source_amount, source_currency, source_version, version)
VALUES (:t, :t, :key, 'price.list', 1, 'USD', 1, 1)
"""
POINT = "SELECT * FROM {table} WHERE tenant_id = :t AND record_key = :key AND element = 'price.list'"
PAGE = "SELECT * FROM {table} WHERE tenant_id = :t AND record_key >= :key ORDER BY record_key, element LIMIT 50"
Transact = Callable[[], AbstractAsyncContextManager[AsyncSession]]


def run() -> list[Row]:
    tenants = [new_id() for _ in range(TENANTS)]
    with running_rig() as rig:
        _fill(rig, tenants)
        return uvloop.run(_compare(rig, tenants[TENANTS // 2]))


def _fill(rig: Rig, tenants: list[UUID]) -> None:
    with rig.owner() as connection:
        connection.execute(SETUP)
        for table in ("record_value", "bench_value"):
            connection.execute(FILL.format(table=table), (tenants, ROWS))
            connection.execute(f"VACUUM ANALYZE {table}")


async def _compare(rig: Rig, tenant: UUID) -> list[Row]:
    database = Database(rig.stack.settings.app_url, pool_size=1)
    plain = _plain_engine(with_role(rig.stack.settings.app_url, "bench_plain", "plain"))
    scope = Scope(msp_id=tenant, tenant_id=tenant, actor=Actor.system("bench"))

    @asynccontextmanager
    async def without() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(plain, expire_on_commit=False) as session:
            yield session
            await session.commit()

    rows = []
    for name, sql, fresh in (("single write", WRITE, True), ("point read", POINT, False), ("list page", PAGE, False)):
        on = _batch(lambda: database.transaction(scope), sql.format(table="record_value"), tenant, fresh=fresh)
        off = _batch(without, sql.format(table="bench_value"), tenant, fresh=fresh)
        await on(), await off()
        pairs = [(await on(), await off()) for _ in range(ROUNDS)]
        mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        measured = f"{theirs / mine:.2f} ({mine * 1e6:,.0f} / {theirs * 1e6:,.0f} µs)"
        rows.append(Row(f"isolation on ÷ off, {name}: rate", measured, at_least(0.95, theirs / mine)))
    await database.close()
    await plain.dispose()
    return rows


def _plain_engine(url: str) -> AsyncEngine:
    """As `Database` makes it, but a transaction begins with BEGIN and nothing else."""

    async def connect() -> "psycopg.AsyncConnection[Any]":
        return await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=3)

    engine = create_async_engine("postgresql+psycopg://", async_creator=connect, pool_size=1, max_overflow=0)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _batch(transact: Transact, sql: str, tenant: UUID, *, fresh: bool) -> Callable[[], Awaitable[float]]:
    """Seconds per transaction, averaged over a batch. `fresh` keys are new ones, for writes."""
    statement = text(sql)
    keys = iter(range(1_000_000, 2_000_000)) if fresh else iter([n * 37 % ROWS + 1 for n in range(100_000)])

    async def one_batch() -> float:
        started = time.perf_counter()
        for _ in range(BATCH):
            async with transact() as session:
                result = await session.execute(statement, {"t": tenant, "key": f"SKU-{next(keys):06}"})
                if not fresh and not result.all():
                    raise RuntimeError("a read found nothing")
        return (time.perf_counter() - started) / BATCH

    return one_batch
