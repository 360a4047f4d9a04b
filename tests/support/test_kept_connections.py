"""Kept connections: the next pool reuses the server's process only if no state of the previous pool is left."""

from sqlalchemy import text
from sqlalchemy.util import greenlet_spawn

from foundation.database.engine import Database
from foundation.database.scoped import ScopedConnection
from foundation.scope import Scope
from tests.conftest import Urls
from tests.support.kept_connections import new_connections
from tests.support.servers import Servers

PID = text("SELECT pg_backend_pid(), current_setting('app.tenant_id', true), current_setting('work_mem')")


async def ask(
    urls: Urls, *, name: str = "fairlead", before: str = "", scope: Scope | None = None
) -> tuple[object, ...]:
    """Answer that a new pool gets, after the statement `before`."""
    database = Database(urls.app, pool_size=1, application_name=name)
    try:
        async with database.transaction(scope) as session:
            if before:
                await session.execute(text(before))
        async with database.transaction(None) as session:
            return tuple((await session.execute(PID)).one())
    finally:
        await database.close()


async def test_the_next_pool_has_the_same_server_process_and_no_scope(urls: Urls, scope: Scope) -> None:
    pid, *_ = await ask(urls, before="SELECT 1", scope=scope)
    again, tenant, _ = await ask(urls)
    assert (again, tenant) == (pid, "")


async def test_connections_of_other_names_and_in_new_connections_are_not_kept(urls: Urls) -> None:
    kept = {(await ask(urls))[0] for _ in range(2)}
    named = {(await ask(urls, name="another"))[0] for _ in range(2)}
    with new_connections():
        new = {(await ask(urls))[0] for _ in range(2)}
    assert (len(kept), len(named), len(new)) == (1, 2, 2)
    assert kept.isdisjoint(named | new)


async def test_a_changed_session_is_not_kept(urls: Urls) -> None:
    pid, _, usual = await ask(urls)
    await ask(urls, before="SET work_mem = '7MB'")
    again, _, now = await ask(urls)
    assert (now, again != pid) == (usual, True)


async def test_a_connection_in_a_transaction_is_not_kept(urls: Urls) -> None:
    pid, *_ = await ask(urls)
    database = Database(urls.app, pool_size=1)
    pooled = await database.engine.raw_connection()
    raw = pooled.driver_connection
    assert isinstance(raw, ScopedConnection)
    await raw.execute("SELECT 1")
    await raw.close()
    assert raw.closed
    await greenlet_spawn(pooled.invalidate)
    await database.close()
    assert (await ask(urls))[0] != pid


async def test_a_connection_that_the_server_ended_is_not_used_again(urls: Urls, servers: Servers) -> None:
    pid, *_ = await ask(urls)
    servers.hang_up("fairlead")
    assert (await ask(urls))[0] != pid
