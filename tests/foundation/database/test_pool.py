"""The connection pool: a failed attempt to connect does not block waiters, and a lost one fails no transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation.database.engine import Database
from tests.conftest import Urls
from tests.support.faulty_link import WELL, FaultyLink, Trouble, end_of, faulty_link, over
from tests.support.servers import Servers

Ask = Callable[[Database], Awaitable[object]]
PATIENCE_SECONDS = 20
"""Less than the 30 s for which waiters of SQLAlchemy's own pool are blocked."""


async def ask_in_a_transaction(database: Database) -> object:
    async with database.transaction(None) as session:
        return await session.scalar(text("SELECT 1"))


async def ask_in_a_call(database: Database) -> object:
    return (await database.call("SELECT 1", ()))[0]


@pytest.fixture
def link(urls: Urls) -> Iterator[FaultyLink]:
    with faulty_link(end_of(urls.app)) as opened:
        yield opened


@pytest.fixture
async def one(urls: Urls, link: FaultyLink) -> AsyncIterator[Database]:
    database = Database(over(link, urls.app), pool_size=1)
    yield database
    await database.close()


async def connecting_and_waiting(database: Database, ask: Ask) -> list["asyncio.Task[object]"]:
    """The first task connects without getting a response; the others wait for its slot."""
    tasks = [asyncio.ensure_future(ask(database)) for _ in range(3)]
    for _ in range(20):  # until all of them are blocked
        await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize("ask", [ask_in_a_transaction, ask_in_a_call])
async def test_a_restart_between_two_transactions_causes_no_error(urls: Urls, servers: Servers, ask: Ask) -> None:
    database = Database(urls.app, pool_size=3, application_name="hung up")
    assert await asyncio.gather(*(ask(database) for _ in range(3))) == [1, 1, 1]
    servers.hang_up("hung up")
    assert [await ask(database) for _ in range(3)] == [1, 1, 1]
    assert await asyncio.gather(*(ask(database) for _ in range(3))) == [1, 1, 1]
    await database.close()


@pytest.mark.parametrize("ask", [ask_in_a_transaction, ask_in_a_call])
async def test_waiters_continue_when_a_connect_is_cancelled(one: Database, link: FaultyLink, ask: Ask) -> None:
    link.set_fault(Trouble(blackhole=True))
    first, *others = await connecting_and_waiting(one, ask)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    link.set_fault(WELL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await asyncio.gather(*others) == [1, 1]


@pytest.mark.parametrize("ask", [ask_in_a_transaction, ask_in_a_call])
async def test_waiters_connect_themselves_when_a_connect_fails(one: Database, link: FaultyLink, ask: Ask) -> None:
    await one.discard_connections()  # the recreated pool is of the same class
    link.set_fault(Trouble(blackhole=True))
    tasks = await connecting_and_waiting(one, ask)
    link.set_fault(Trouble(reset=True))
    async with asyncio.timeout(PATIENCE_SECONDS):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        error = outcome.orig if isinstance(outcome, DBAPIError) else outcome
        assert isinstance(error, psycopg.OperationalError)
    link.set_fault(WELL)
    assert await ask(one) == 1


async def test_no_more_connections_than_its_size(one: Database, link: FaultyLink) -> None:
    for _ in range(3):
        link.set_fault(Trouble(blackhole=True))
        tasks = await connecting_and_waiting(one, ask_in_a_transaction)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        link.set_fault(WELL)
    asking = text("SELECT pg_backend_pid()")

    async def ask() -> object:
        async with one.transaction(None) as session:
            return await session.scalar(asking)

    assert len(set(await asyncio.gather(*(ask() for _ in range(5))))) == 1
