"""The scope of a transaction is set with its first statement, and never applies to the next transaction."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database, change_scope
from foundation.database.savepoint import savepoint
from foundation.database.scoped import NO_SCOPE, ScopedConnection, begin_sql
from foundation.scope import Scope
from tests.conftest import Urls
from tests.isolation.test_pitfalls import COUNT, leave, seen

SETTINGS = text(
    "SELECT current_setting('app.tenant_id', true), current_setting('app.msp_id', true),"
    " current_setting('app.partner_id', true), current_user"
)
NONE = ("", "", "", "fairlead_app")
TENANT = "SELECT current_setting('app.tenant_id', true)"


@pytest.fixture
async def one(urls: Urls) -> AsyncIterator[Database]:
    """One connection, so that consecutive transactions share it."""
    database = Database(urls.app, pool_size=1)
    yield database
    await database.close()


async def on_wire(session: AsyncSession) -> ScopedConnection:
    raw = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(raw, ScopedConnection)
    return raw


async def next_borrower(database: Database) -> tuple[object, ...]:
    """A transaction without a scope."""
    async with database.engine.connect() as connection:
        return tuple((await connection.execute(SETTINGS)).one())


async def test_a_scope_that_was_never_used_is_not_the_next_borrowers(one: Database, scope: Scope) -> None:
    async with one.transaction(scope) as session:
        await session.connection()
    assert await next_borrower(one) == NONE


async def test_a_call_has_no_scope_and_no_transaction_and_leaves_neither(one: Database, scope: Scope) -> None:
    await leave(one, scope)
    assert (await one.call("SELECT count(*) AS n FROM job", ())).n == 0
    first = (await one.call("SELECT pg_current_xact_id()::text AS id", ())).id
    assert (await one.call("SELECT pg_xact_status(%s::xid8) AS s", (first,))).s == "committed"
    assert await next_borrower(one) == NONE
    async with one.engine.connect() as connection:  # in a transaction again: what is not committed did not happen
        await connection.execute(text("SET LOCAL app.host = 'x'"))
        assert (await connection.execute(text("SELECT current_setting('app.host')"))).scalar_one() == "x"


async def test_a_sessions_second_transaction_is_scoped_again(one: Database, scope: Scope) -> None:
    await leave(one, scope)
    async with one.transaction(scope) as session:
        for end in (session.commit, session.rollback, session.commit):
            assert (await session.execute(COUNT)).scalar_one() == 1
            await end()


async def test_after_a_change_of_scope_later_transactions_have_the_new_one(
    one: Database, scope: Scope, other_scope: Scope
) -> None:
    await leave(one, scope)
    async with one.transaction(scope) as session:
        await change_scope(session, other_scope)
        raw = await on_wire(session)
        await raw.rollback()
        assert await (await raw.execute(TENANT)).fetchone() == (str(other_scope.tenant_id),)
        await session.rollback()
        assert (await session.execute(COUNT)).scalar_one() == 0


async def test_a_transaction_that_begins_with_a_savepoint_is_scoped(one: Database, scope: Scope) -> None:
    await leave(one, scope)
    async with one.transaction(scope) as session:
        async with savepoint(session):
            assert (await session.execute(COUNT)).scalar_one() == 1
        with pytest.raises(DBAPIError):
            async with savepoint(session):
                await session.execute(text("SELECT 1/0"))
        assert (await session.execute(COUNT)).scalar_one() == 1
    assert await next_borrower(one) == NONE


async def test_a_transaction_that_begins_with_many_rows_is_scoped(one: Database, scope: Scope) -> None:
    """`executemany` uses a pipeline, which accepts no message of several statements."""
    await leave(one, scope)
    async with one.transaction(scope) as session:
        await session.execute(
            text("UPDATE job SET attempts = :attempts WHERE tenant_id = :t"),
            [{"attempts": 1, "t": scope.tenant_id}, {"attempts": 2, "t": scope.tenant_id}],
        )
    async with one.transaction(scope) as session:
        assert (await session.execute(text("SELECT attempts FROM job"))).scalar_one() == 2
    assert await next_borrower(one) == NONE


@pytest.mark.parametrize("end", [AsyncSession.commit, AsyncSession.rollback])
async def test_the_fleets_role_ends_with_its_transaction(one: Database, scope: Scope, end: object) -> None:
    async with one.transaction(scope.for_fleet()) as session:
        assert tuple((await session.execute(SETTINGS)).one())[3] == "fairlead_fleet"
        await end(session)  # type: ignore[operator]
    assert await next_borrower(one) == NONE


async def test_a_failed_opening_executes_nothing_and_is_reported(one: Database, scope: Scope) -> None:
    await leave(one, scope)
    async with one.transaction(scope) as session:
        raw = await on_wire(session)
        raw.opening = begin_sql(scope) + b"SET LOCAL ROLE nobody;"
        with pytest.raises(DBAPIError, match="nobody") as caught:
            await session.execute(COUNT)
        assert "the opening of the transaction" in caught.value.orig.__notes__[0]  # type: ignore[union-attr]
        with pytest.raises(DBAPIError, match="aborted"):
            await session.execute(COUNT)
        await session.rollback()
    assert await next_borrower(one) == NONE
    assert await seen(one, scope) == 1


async def test_an_error_of_the_first_statement_is_its_own(one: Database, scope: Scope) -> None:
    async with one.transaction(scope) as session:
        with pytest.raises(DBAPIError, match="division by zero") as caught:
            await session.execute(text("SELECT 1/0"))
        assert not hasattr(caught.value.orig, "__notes__")
        await session.rollback()
    assert await next_borrower(one) == NONE


@pytest.mark.parametrize("asleep", ["opening", "statement"])
async def test_a_borrower_cancelled_on_the_way(one: Database, urls: Urls, scope: Scope, asleep: str) -> None:
    """Half set, or set and not used yet: the next borrower has no scope, and the connection no transaction."""
    await leave(one, scope)
    pids: list[int] = []

    async def sleep() -> None:
        async with one.transaction(scope) as session:
            raw = await on_wire(session)
            pids.append(raw.info.backend_pid)
            if asleep == "opening":
                raw.opening = begin_sql(scope) + b"SELECT pg_sleep(60);" + begin_sql(scope)[6:]
            await session.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(sleep())
    async with await psycopg.AsyncConnection.connect(urls.app, autocommit=True) as watcher:
        asking = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s) AND wait_event = 'PgSleep'"
        while await (await watcher.execute(asking, (pids,))).fetchone() != (1,):  # noqa: ASYNC110 - it happens in PostgreSQL
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await next_borrower(one) == NONE
    assert await seen(one, scope) == 1


async def test_a_connection_lost_before_the_opening_is_replaced(one: Database, urls: Urls, scope: Scope) -> None:
    await leave(one, scope)
    pid = (await one.call("SELECT pg_backend_pid() AS pid", ())).pid

    async def lose_it_meanwhile() -> None:
        async with one.transaction(scope) as session:
            await session.connection()  # it was intact when it was borrowed
            async with await psycopg.AsyncConnection.connect(urls.app, autocommit=True) as killer:
                await killer.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            await session.execute(COUNT)

    with pytest.raises(OperationalError) as caught:
        await lose_it_meanwhile()
    assert caught.value.connection_invalidated
    assert await seen(one, scope) == 1
    assert await next_borrower(one) == NONE


async def test_a_statement_timeout_ends_its_transaction_only(one: Database, scope: Scope) -> None:
    await leave(one, scope)
    async with one.transaction(scope) as session:
        await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
        with pytest.raises(DBAPIError, match="statement timeout"):
            await session.execute(text("SELECT pg_sleep(60)"))
        await session.rollback()
    assert await seen(one, scope) == 1
    assert await next_borrower(one) == NONE


async def test_a_transaction_without_statements_sends_nothing(scope: Scope) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nowhere", pool_size=1)
    async with database.transaction(scope):
        pass
    await database.close()


def test_without_a_scope_every_setting_is_emptied() -> None:
    assert NO_SCOPE.count(b"= ''") == 3
