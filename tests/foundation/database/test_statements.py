"""Statements are compiled once per process, and stay prepared on a connection when a request is refused."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.dialect import STATEMENTS, SharedDialect
from foundation.database.engine import Database
from foundation.ids import new_id
from tests.conftest import Urls

PREPARED = "SELECT count(*) FROM pg_prepared_statements"
STATEMENT = text("SELECT 4711")


class Refused(Exception):
    """Ends a request without an error of the database."""


@pytest.fixture
async def one(urls: Urls) -> AsyncIterator[Database]:
    database = Database(urls.app, pool_size=1)
    yield database
    await database.close()


async def prepare(session: AsyncSession) -> None:
    for _ in range(5):  # more often than the connection's threshold
        await session.execute(STATEMENT)


async def prepare_and_refuse(database: Database) -> None:
    async with database.transaction(None) as session:
        await prepare(session)
        raise Refused


async def prepare_and_fail(database: Database) -> None:
    async with database.transaction(None) as session:
        await prepare(session)
        await session.execute(text("SELECT 1 / 0"))


async def count_prepared(database: Database) -> int:
    return int((await database.call(PREPARED, ()))[0])


async def test_a_refused_request_leaves_the_statements_prepared(one: Database) -> None:
    with pytest.raises(Refused):
        await prepare_and_refuse(one)
    assert await count_prepared(one) == 1
    async with one.transaction(None) as session:
        await prepare(session)
    assert await count_prepared(one) == 1, "it was prepared anew"


async def test_a_failed_statement_discards_them(one: Database) -> None:
    with pytest.raises(DBAPIError):
        await prepare_and_fail(one)
    assert await count_prepared(one) == 0
    async with one.transaction(None) as session:
        await prepare(session)
    assert await count_prepared(one) == 1


async def test_a_second_pool_compiles_nothing_again(urls: Urls) -> None:
    wanted = select(literal(1).label(f"a{new_id().hex}"))
    sizes = []
    for _ in range(2):
        database = Database(urls.app, pool_size=1)
        async with database.transaction(None) as session:
            await session.execute(wanted)
        assert isinstance(database.engine.dialect, SharedDialect)
        await database.close()
        sizes.append(len([key for key in STATEMENTS if key[0] == database.engine.dialect]))
        kept = len(STATEMENTS)
    assert sizes[0] == sizes[1] == kept


async def test_a_second_pool_does_not_ask_the_server_for_its_version(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = []
    for _ in range(2):
        database = Database(urls.app, pool_size=1)
        async with database.transaction(None) as session:
            await session.execute(STATEMENT)
        versions.append(database.engine.dialect.server_version_info)
        await database.close()
        monkeypatch.setattr(PGDialectAsync_psycopg, "initialize", refuse)
    assert versions[0] is not None
    assert versions[0] == versions[1]


def refuse(*_: object) -> None:
    raise AssertionError("it asked again")
