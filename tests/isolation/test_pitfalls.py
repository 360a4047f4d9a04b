"""Known pitfalls of row-level security (performance notes C1), each with the application's own access."""

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation.database.engine import Database
from foundation.database.scoped import begin_sql
from foundation.ids import new_id
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.scope import Scope
from tenants.accounts import create_client
from tests.conftest import Urls, make_scope
from tests.support.jobs import job_type

NONE = job_type("test.none")
COUNT = text("SELECT count(*) FROM job")


async def leave(db: Database, scope: Scope, key: str = "k") -> None:
    async with db.transaction(scope) as session:
        enqueue(session, [NewJob("pitfall", NONE, key, delay=3600)])


async def seen(db: Database, scope: Scope | None) -> int:
    async with db.transaction(scope) as session:
        return int((await session.execute(COUNT)).scalar_one())


async def test_the_policies_apply_to_the_owner_too(urls: Urls, db: Database, scope: Scope) -> None:
    await leave(db, scope)
    with psycopg.connect(urls.owner) as connection:
        assert connection.execute("SELECT count(*) FROM job").fetchone() == (0,)


async def test_no_scope_sees_nothing_and_writes_nothing(db: Database, scope: Scope) -> None:
    await leave(db, scope)
    assert await seen(db, None) == 0
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.transaction(None) as session:
            await session.execute(
                text("INSERT INTO job (tenant_id, msp_id, lane, kind, key) VALUES (:t, :m, 'l', 'k', 'k')"),
                {"t": scope.tenant_id, "m": scope.msp_id},
            )


async def test_a_scope_ends_with_its_transaction(urls: Urls, scope: Scope) -> None:
    """One pooled connection: what the first borrower could read, the next one cannot, also after a failure."""
    database = Database(urls.app, pool_size=1)
    await leave(database, scope)
    assert await seen(database, scope) == 1
    assert await seen(database, None) == 0
    with pytest.raises(DBAPIError):
        async with database.transaction(scope) as session:
            await session.execute(text("SELECT 1/0"))
    assert await seen(database, None) == 0
    async with database.transaction(None) as session:
        setting = (await session.execute(text("SELECT current_setting('app.tenant_id', true)"))).scalar_one()
    assert setting in (None, "")
    await database.close()


async def test_a_session_wide_setting_does_not_survive_the_next_transaction(urls: Urls, scope: Scope) -> None:
    """A plain SET on a pooled connection is overridden: every transaction sets its own scope first."""
    database = Database(urls.app, pool_size=1)
    await leave(database, scope)
    async with database.transaction(scope) as session:
        await session.execute(text(f"SET app.tenant_id = '{scope.tenant_id}'"))
        await session.execute(text(f"SET app.msp_id = '{scope.msp_id}'"))
    assert await seen(database, None) == 0
    assert await seen(database, make_scope()) == 0
    await database.close()


async def test_a_cancelled_checkout_leaves_no_scope(urls: Urls, scope: Scope) -> None:
    database = Database(urls.app, pool_size=1)
    await leave(database, scope)

    async def sleep_inside() -> None:
        async with database.transaction(scope) as session:
            await session.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(sleep_inside())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await seen(database, None) == 0
    await database.close()


async def test_a_cross_tenant_insert_is_refused_and_an_update_touches_nothing(
    db: Database, scope: Scope, other_scope: Scope
) -> None:
    await leave(db, scope)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with db.transaction(other_scope) as session:
            await session.execute(
                text("INSERT INTO job (tenant_id, msp_id, lane, kind, key) VALUES (:t, :m, 'l', 'k', 'k')"),
                {"t": scope.tenant_id, "m": scope.msp_id},
            )
    async with db.transaction(other_scope) as session:
        touched: Any = await session.execute(
            text("UPDATE job SET attempts = 99 WHERE tenant_id = :t"), {"t": scope.tenant_id}
        )
    assert touched.rowcount == 0


async def test_a_unique_key_is_no_oracle(db: Database, scope: Scope, other_scope: Scope) -> None:
    """The same business key in two tenants is two rows; a tenant cannot detect that another uses it."""
    for one in (scope, other_scope):
        async with db.transaction(one) as session:
            await session.execute(
                text("""
                    INSERT INTO record_value (tenant_id, msp_id, record_key, element, source_value, source_version,
                                              version)
                    VALUES (:t, :m, 'SAME', 'stock.on_hand', '{"type":"money","amount":"0.01","currency":"USD"}', 1, 0)
                """),
                {"t": one.tenant_id, "m": one.msp_id},
            )


async def test_errors_do_not_disclose_hidden_rows(db: Database, scope: Scope, other_scope: Scope) -> None:
    """A condition that would fail on a hidden row is never evaluated on it."""
    await leave(db, scope, key="zero")
    async with db.transaction(other_scope) as session:
        rows = await session.execute(text("SELECT 1 FROM job WHERE 1 / (CASE key WHEN 'zero' THEN 0 ELSE 1 END) = 1"))
        assert rows.all() == []


async def test_the_application_may_neither_truncate_nor_copy(urls: Urls) -> None:
    with psycopg.connect(urls.app) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("TRUNCATE job")
    with psycopg.connect(urls.app, autocommit=True) as connection:
        cursor = connection.cursor()
        with pytest.raises(psycopg.Error), cursor.copy("COPY job (tenant_id) FROM STDIN") as copy:
            copy.write_row([new_id()])


async def test_the_application_may_become_the_fleets_reader_and_nothing_else(urls: Urls) -> None:
    with psycopg.connect(urls.app, autocommit=True) as connection:
        connection.execute("SET ROLE fairlead_fleet")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM change")
        connection.execute("RESET ROLE")
        for role in ("fairlead_relay", "fairlead_intake", "fairlead_owner", "postgres"):
            with pytest.raises(psycopg.Error):
                connection.execute(f"SET ROLE {role}")


async def test_a_fleet_reads_its_own_msp_only(db: Database, scope: Scope, other_scope: Scope) -> None:
    async with db.transaction(scope) as session:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        await create_client(session, name="Client", slug=f"c-{scope.tenant_id}"[:30], currency="EUR", now=now)
    for reader, seen in ((scope, 1), (make_scope(msp_id=scope.msp_id), 1), (other_scope, 0)):
        async with db.transaction(reader.for_fleet()) as session:
            rows = await session.execute(text("SELECT count(*) FROM client WHERE msp_id = :m"), {"m": scope.msp_id})
            assert rows.scalar_one() == seen


async def test_intake_inserts_but_cannot_read(urls: Urls) -> None:
    with psycopg.connect(urls.intake, autocommit=True) as connection:
        for forbidden in ("SELECT body FROM source_event", "SELECT settings FROM connection", "SELECT * FROM change"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


async def test_the_relay_reads_due_times_but_no_payloads(urls: Urls) -> None:
    with psycopg.connect(urls.relay, autocommit=True) as connection:
        connection.execute("SELECT * FROM lanes_due()")
        for forbidden in ("SELECT payload FROM job", "SELECT key FROM job", "SELECT * FROM change", "DELETE FROM job"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_a_scope_cannot_break_out_of_its_statement() -> None:
    scope = make_scope()
    assert begin_sql(scope).count(b"'") == 6
    with pytest.raises(ValueError, match="host name"):
        begin_sql(None, host="x'; SET app.tenant_id = '1")


# A connection cancelled while it opens is closed by the garbage collector, with a warning.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=15)
@given(turns=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["read", "write", "fail", "cancel"])), max_size=12))
async def test_no_interleaving_over_a_small_pool_mixes_tenants(urls: Urls, turns: list[tuple[int, str]]) -> None:
    """Three tenants over two connections, with failures and cancellations: each sees exactly its own rows."""
    database = Database(urls.app, pool_size=2)
    tenants = [make_scope() for _ in range(3)]
    written = [0, 0, 0]

    async def turn(who: int, what: str) -> None:
        async with asyncio.timeout(0.001 if what == "cancel" else 90), database.transaction(tenants[who]) as session:
            if what == "write":
                enqueue(session, [NewJob("mix", NONE, "k", delay=3600)])
                written[who] += 1
            rows = await session.execute(text("SELECT DISTINCT tenant_id FROM job"))
            assert set(rows.scalars()) <= {tenants[who].tenant_id}
            if what == "fail":
                await session.execute(text("SELECT 1/0"))
            if what == "cancel":
                await session.execute(text("SELECT pg_sleep(1)"))

    ended = await asyncio.gather(*(turn(*each) for each in turns), return_exceptions=True)
    for (_, what), end in zip(turns, ended, strict=True):
        assert end is None if what in ("read", "write") else isinstance(end, DBAPIError | TimeoutError), (what, end)
    for who, tenant in enumerate(tenants):
        assert await seen(database, tenant) == written[who]
    await database.close()
    gc.collect()
