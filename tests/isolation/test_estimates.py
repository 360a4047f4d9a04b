"""The planner's estimates under the policies are near the actual numbers, and determine its plans for large tenants."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from governance.changes.lists import CHANGES
from governance.changes.queries import list_changes
from governance.overview.queries import read_latest
from governance.partner_channel.lists import CHANNEL_CHANGES
from governance.partner_channel.queries import list_propagations, read_channel
from tests.conftest import Urls, make_scope
from tests.support.values import ONE_CENT

ROWS = 1_000
FACTOR = 3
_CHANGES = f"""
INSERT INTO change (tenant_id, msp_id, id, record_key, element, new_value, source_version, origin,
                    author, state, outcome, rule_id, reason, policy_version, committed_at, proposed_at, correlation)
SELECT :t, :m, id, 'SKU-' || n, 'price.list', {ONE_CENT}, 1, 'source', 'a', 'executed', 'auto', 'r',
       '{{"code": "x"}}', 1,
       now(), now(), ''
  FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS made (id, n)
"""
_PROPAGATIONS = f"""
INSERT INTO propagation (tenant_id, msp_id, change_id, connection_id, partner_id, id, record_key, element, value,
                         version, state, committed_at, slo_due_at)
SELECT tenant_id, msp_id, id, tenant_id,
       (ARRAY[CAST(:first AS uuid), CAST(:second AS uuid)])[1 + row_number() OVER () % 2],
       id, record_key, element, {ONE_CENT}, 1, 'verified', now(), now()
  FROM change WHERE tenant_id = :t
"""


@pytest.fixture
async def partners(db: Database, urls: Urls) -> list[Scope]:
    """A partner of each of two clients of each of two MSPs; half a client's rows are its partner's. All analysed."""
    found = []
    for msp in (new_id(), new_id()):
        for _ in range(2):
            scope = make_scope(msp_id=msp, partner_id=new_id())
            async with db.transaction(replace(scope, partner_id=None)) as session:
                whose = {"t": scope.tenant_id, "m": msp}
                await session.execute(text(_CHANGES), {**whose, "ids": [new_id() for _ in range(ROWS)]})
                await session.execute(
                    text(_PROPAGATIONS), {"t": scope.tenant_id, "first": scope.partner_id, "second": new_id()}
                )
            found.append(scope)
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute("ANALYZE change, propagation")
    return found


async def expected_and_found(db: Database, scope: Scope, query: str, **binds: UUID | None) -> tuple[int, int]:
    async with db.transaction(scope) as session:
        explained: Any = await session.execute(text(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}"), binds)
        plan = explained.scalar_one()[0]["Plan"]
    return int(plan["Plan Rows"]), int(plan["Actual Rows"])


async def is_near(db: Database, scope: Scope, query: str, *, rows: int, **binds: UUID | None) -> None:
    expected, found = await expected_and_found(db, scope, query, **binds)
    assert found == rows
    assert found / FACTOR <= expected <= found * FACTOR, f"{expected} expected of {query}"


@pytest.mark.parametrize("table", ["change", "propagation"])
async def test_a_clients_rows_are_counted_rightly(db: Database, partners: list[Scope], table: str) -> None:
    for scope in partners:
        own = replace(scope, partner_id=None)
        await is_near(db, own, f"SELECT * FROM {table} WHERE tenant_id = :t", rows=ROWS, t=scope.tenant_id)
        await is_near(db, own, f"SELECT * FROM {table}", rows=ROWS)


@pytest.mark.parametrize("table", ["change", "propagation"])
async def test_a_fleets_rows_are_counted_rightly(db: Database, partners: list[Scope], table: str) -> None:
    for scope in partners:
        fleet = replace(scope, partner_id=None).for_fleet()
        await is_near(db, fleet, f"SELECT * FROM {table} WHERE msp_id = :m", rows=2 * ROWS, m=scope.msp_id)
        one = f"SELECT * FROM {table} WHERE tenant_id = :t"
        await is_near(db, fleet, one, rows=ROWS, t=scope.tenant_id)


async def test_a_partners_rows_are_counted_rightly(db: Database, partners: list[Scope]) -> None:
    for scope in partners:
        query = "SELECT * FROM propagation WHERE tenant_id = :t"
        await is_near(db, scope, query, rows=ROWS // 2, t=scope.tenant_id)


async def test_the_newest_rows_are_the_end_of_the_index_not_a_sort_of_all(db: Database, partners: list[Scope]) -> None:
    for scope in partners:
        async with db.transaction(replace(scope, partner_id=None)) as session:
            explained = await session.execute(
                text("EXPLAIN SELECT * FROM change WHERE tenant_id = :t ORDER BY id DESC LIMIT 20"),
                {"t": scope.tenant_id},
            )
            plan = "\n".join(explained.scalars())
        assert "Index Scan Backward using change_initial_pkey" in plan, plan
        assert "->  Sort" not in plan  # the ends of the partitions' indexes are merged


async def plans_of(db: Database, scope: Scope, read: Callable[[AsyncSession], Awaitable[object]]) -> str:
    """The plans of the statements that `read` executes, as planned under the policies."""
    asked: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, binds: Any, *rest: object) -> None:
        if "SELECT" in statement:
            asked.append((statement, binds))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    try:
        async with db.transaction(scope) as session:
            await read(session)
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)
    lines: list[str] = []
    async with db.transaction(scope) as session:
        connection = await session.connection()
        for statement, binds in asked:
            lines += (await connection.exec_driver_sql(f"EXPLAIN {statement}", binds)).scalars()
    return "\n".join(lines)


async def test_a_records_changes_are_found_by_the_record(db: Database, partners: list[Scope]) -> None:
    own = replace(partners[0], partner_id=None)
    plans = await plans_of(db, own, lambda session: list_changes(session, CHANGES.query(record="SKU-7"), utc_now()))
    assert "change_initial_tenant_id_record_key_element_dimension_reco" in plans, plans
    assert "Seq Scan on change_initial" not in plans  # empty partitions may be read entirely


async def test_a_partners_lists_read_the_partners_rows(db: Database, partners: list[Scope]) -> None:
    for read in (
        partial(list_propagations, query=CHANNEL_CHANGES.query(), now=utc_now()),
        partial(read_channel, now=utc_now()),
    ):
        plans = await plans_of(db, partners[0], read)
        assert "propagation_initial_tenant_id_partner_id_change_id_idx" in plans, plans
        assert "Seq Scan on propagation_initial" not in plans


async def test_a_clients_newest_are_the_end_of_the_index(db: Database, partners: list[Scope]) -> None:
    own = replace(partners[0], partner_id=None)
    readers = (
        partial(list_propagations, query=CHANNEL_CHANGES.query()),
        read_latest,
        partial(list_changes, query=CHANGES.query()),
    )
    for read in readers:
        plans = await plans_of(db, own, partial(read, now=utc_now()))
        assert re.search(r"Index Scan Backward using \w+_initial_pkey", plans), plans
