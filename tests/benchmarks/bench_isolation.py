"""Cost of isolation.

Runs the same statements through the product's `Database` under a tenant's scope and row-level security, and through a
plain session, as in SQLAlchemy's manual, on an unprotected copy of the table. Both name `tenant_id`, both use one
transaction per statement on one pooled connection each, and each table has rows of fifty tenants. The two alternate at
every transaction, each is first equally often, and the medians are compared.
"""

import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from uuid import UUID

import uvloop
from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from foundation.settings import with_role
from tests.benchmarks.rig import Rig, running_rig
from tests.benchmarks.table import Row, at_least

TENANTS, ROWS = 50, 2_000
WARM_UP, ROUNDS = 200, 4_000
SETUP = """
CREATE TABLE bench_value (LIKE record_value INCLUDING ALL) WITH (fillfactor = 70);
CREATE ROLE bench_plain LOGIN PASSWORD 'plain' NOSUPERUSER NOBYPASSRLS;
GRANT USAGE ON SCHEMA public TO bench_plain;
GRANT SELECT, INSERT, UPDATE, DELETE ON bench_value TO bench_plain;
"""
FILL = """
INSERT INTO {table} (tenant_id, msp_id, record_key, element, source_value, source_version, version)
SELECT t, t, 'SKU-' || lpad(n::text, 6, '0'), 'price.list',
       jsonb_build_object('type', 'money', 'amount', n::text, 'currency', 'USD'), 1, 1
  FROM unnest(%s::uuid[]) AS t, generate_series(1, %s) AS n
"""
WRITE = """
INSERT INTO {table} (tenant_id, msp_id, record_key, element, source_value, source_version, version)
VALUES (:t, :t, :key, 'price.list', '{{"type":"money","amount":"1","currency":"USD"}}', 1, 1)
"""
POINT = "SELECT * FROM {table} WHERE tenant_id = :t AND record_key = :key AND element = 'price.list'"
PAGE = "SELECT * FROM {table} WHERE tenant_id = :t AND record_key >= :key ORDER BY record_key, element LIMIT 50"
Transact = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Side = tuple[TextClause, Transact]


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
    for name, sql, keys in (
        ("single write", WRITE, _new_keys),
        ("point read", POINT, _keys),
        ("list page", PAGE, _keys),
    ):
        on = text(sql.format(table="record_value")), lambda: database.transaction(scope)
        off = text(sql.format(table="bench_value")), without
        took = await _take_turns((on, off), tenant, keys())
        mine, theirs = (statistics.median(side) for side in took)
        measured = f"{theirs / mine:.2f} ({mine * 1e6:,.0f} / {theirs * 1e6:,.0f} µs)"
        rows.append(Row(f"isolation on ÷ off, {name}: rate", measured, at_least(0.95, theirs / mine)))
    await database.close()
    await plain.dispose()
    return rows


def _plain_engine(url: str) -> AsyncEngine:
    """The same engine as `Database` creates. psycopg itself begins a transaction at the first statement."""
    return create_async_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=False,
        pool_use_lifo=True,
        connect_args={"prepare_threshold": 3},
    )


async def _take_turns(sides: tuple[Side, Side], tenant: UUID, keys: Iterator[int]) -> tuple[list[float], list[float]]:
    """Seconds of each transaction of each side."""
    took: tuple[list[float], list[float]] = ([], [])
    for n in range(WARM_UP + ROUNDS):
        for place in (0, 1) if n % 2 else (1, 0):
            seconds = await _one(*sides[place], {"t": tenant, "key": f"SKU-{next(keys):06}"})
            if n >= WARM_UP:
                took[place].append(seconds)
    return took


async def _one(statement: TextClause, transact: Transact, binds: dict[str, object]) -> float:
    started = time.perf_counter()
    async with transact() as session:
        result = await session.execute(statement, binds)
        if isinstance(result, CursorResult) and result.returns_rows and not result.all():
            raise RuntimeError("a read found nothing")
    return time.perf_counter() - started


def _keys() -> Iterator[int]:
    return (n * 37 % ROWS + 1 for n in count())


def _new_keys() -> Iterator[int]:
    return count(1_000_000)
