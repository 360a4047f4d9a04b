"""No session state of one borrower reaches the next one of a pooled connection."""

import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import text

from foundation.database.engine import KEYED_LOOKUPS, Database
from foundation.database.roles import FLEET
from foundation.database.session_state import keeps_state
from tests.conftest import Urls

SEEN = """
    SELECT pg_backend_pid(), current_setting('work_mem'), current_setting('app.left', true), current_user,
           (SELECT count(*) FROM pg_listening_channels()), to_regclass('pg_temp.left_over')::text,
           (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid IN (4711, 4712)),
           (SELECT count(*) FROM pg_prepared_statements WHERE name = 'left_over'),
           (SELECT count(*) FROM pg_cursors WHERE name = 'left_over')
"""
LEAVES = [
    "SET work_mem = '7MB'",
    "set session work_mem to '7MB'",
    "/* a comment */ SET work_mem = '7MB'",
    "-- a comment\nSET work_mem = '7MB'",
    "SELECT 1; SET work_mem = '7MB'",
    "SELECT set_config('work_mem', '7MB', false)",
    "WITH a AS (SELECT set_config('app.left', 'x', false) AS b) SELECT b FROM a",
    "DO $$ BEGIN SET work_mem = '7MB'; END $$",
    f"SET ROLE {FLEET}",
    f"SET SESSION ROLE {FLEET}",
    "LISTEN left_over",
    "SELECT pg_advisory_lock(4711)",
    "SELECT pg_try_advisory_lock_shared(4712)",
    "PREPARE left_over AS SELECT 1",
    "DECLARE left_over CURSOR WITH HOLD FOR SELECT 1",
]


class Undone(Exception):
    """Rolls a transaction back, which does not undo its changes to the session."""


KEEPS_NOTHING = [
    "SELECT 1",
    "UPDATE client SET name = 'x', setting = 'y'",
    "INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 1",
    "INSERT INTO a (b) VALUES (1) ON CONFLICT DO NOTHING",
    "SET LOCAL app.tenant_id = ''; SET LOCAL ROLE NONE;",
    "SET TRANSACTION READ ONLY",
    "SELECT set_config('app.brand', %(brand)s::VARCHAR, true)",
    "SELECT pg_advisory_xact_lock(hashtext('fairlead retention'))",
    "SAVEPOINT a",
    "SELECT reset_at, listen, loaded FROM temporary_things",
]


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    opened = Database(urls.app, pool_size=1)
    yield opened
    await opened.close()


async def seen_by_next(database: Database) -> tuple[object, ...]:
    async with database.transaction(None) as session:
        return tuple((await session.execute(text(SEEN))).one())


@pytest.mark.parametrize("statement", LEAVES)
@pytest.mark.parametrize("fails", [False, True])
async def test_hardening_nothing_of_a_session_reaches_the_next_borrower(
    database: Database, statement: str, *, fails: bool
) -> None:
    pid, *before = await seen_by_next(database)
    with contextlib.suppress(Undone):
        async with database.transaction(None) as session:
            raw = (await (await session.connection()).get_raw_connection()).driver_connection
            assert isinstance(raw, psycopg.AsyncConnection)
            for part in statement.split("; ") if "$$" not in statement else [statement]:
                await raw.execute(part.encode())
            if fails:
                raise Undone
    after_pid, *after = await seen_by_next(database)
    assert after == before
    assert after_pid != pid


async def test_hardening_a_call_leaves_nothing_either(database: Database) -> None:
    _, *before = await seen_by_next(database)
    await database.call("SELECT set_config('work_mem', %s, false)", ("7MB",))
    assert list((await seen_by_next(database))[1:]) == before


@pytest.mark.parametrize("statement", KEEPS_NOTHING)
def test_ordinary_statements_keep_their_connection(statement: str) -> None:
    assert not keeps_state(statement)


@pytest.mark.parametrize(
    "statement",
    [*LEAVES, "CREATE TEMP TABLE t ()", "SELECT 1 INTO TEMPORARY t", "CREATE TABLE pg_temp.t ()", "DISCARD ALL"],
)
def test_statements_that_leave_session_state_are_recognised(statement: str) -> None:
    assert keeps_state(statement)


async def test_planning_and_ordinary_transactions_keep_the_connection(urls: Urls) -> None:
    database = Database(urls.app, pool_size=1, planning=KEYED_LOOKUPS)
    pids = {(await seen_by_next(database))[0] for _ in range(3)}
    async with database.transaction(None) as session:
        await session.execute(text("SELECT set_config('app.brand', :brand, true)"), {"brand": "x"})
    assert {(await seen_by_next(database))[0]} == pids
    assert len(pids) == 1
    await database.close()
