"""Fixtures of the servers: real PostgreSQL and Valkey, the real migrations, the application's own roles.

Imports are inside the fixtures, so that tests without servers start faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    import redis.asyncio

    from foundation.database.engine import Database
    from tests.conftest import Urls
    from tests.support.servers import Servers

PATIENCE_SECONDS = 120


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    from tests.support.servers import running_servers

    with running_servers() as started:
        yield started


@pytest.fixture(scope="session")
def urls(servers: Servers) -> Iterator[Urls]:
    """The database, with the migrated schema. Tests do not clean up: each creates its own MSP and clients."""
    from foundation.database.roles import APP, BACKUP, INTAKE, RELAY
    from foundation.settings import with_role
    from tests.conftest import Urls
    from tests.support.kept_connections import keeping_connections
    from tests.support.servers import PASSWORDS

    if not servers.is_migrated:
        from controlplane.migrate import migrate_schema, prepare_roles

        dbname = urlsplit(servers.owner_url).path
        asyncio.run(prepare_roles(urlsplit(servers.admin_url)._replace(path=dbname).geturl(), PASSWORDS))
        migrate_schema(servers.owner_url)
    _disable_idle_timeout(servers, (APP, INTAKE, RELAY))
    patient = f"{servers.owner_url}{'&' if '?' in servers.owner_url else '?'}connect_timeout={PATIENCE_SECONDS}"
    found = Urls(
        owner=servers.owner_url,
        app=with_role(patient, APP, PASSWORDS.app),
        intake=with_role(patient, INTAKE, PASSWORDS.intake),
        relay=with_role(patient, RELAY, PASSWORDS.relay),
        backup=with_role(patient, BACKUP, PASSWORDS.backup),
        redis=servers.redis_url,
    )
    with keeping_connections((found.app, found.relay, found.intake)):
        yield found


def _disable_idle_timeout(servers: Servers, roles: tuple[str, ...]) -> None:
    """Disable the server's idle time-out: a test whose process is paused inside a transaction continues with it
    afterwards.
    """
    import psycopg
    from psycopg import sql

    dbname = urlsplit(servers.owner_url).path.removeprefix("/")
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        for role in roles:
            connection.execute(
                sql.SQL("ALTER ROLE {} IN DATABASE {} SET idle_in_transaction_session_timeout = {}").format(
                    sql.Identifier(role), sql.Identifier(dbname), sql.Literal(f"{PATIENCE_SECONDS}s")
                )
            )


@pytest.fixture
async def valkey(urls: Urls) -> AsyncIterator[redis.asyncio.Redis]:
    import redis.asyncio

    client = redis.asyncio.Redis.from_url(
        urls.redis, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS, driver_info=None
    )
    yield client
    await client.aclose()


@pytest.fixture
async def db(urls: Urls, valkey: redis.asyncio.Redis) -> AsyncIterator[Database]:
    """The application's own database access: role fairlead_app, no BYPASSRLS, not the owner."""
    from foundation.database.engine import Database
    from foundation.jobs.ready_queue import ReadyQueue

    database = Database(urls.app, wake_lanes=ReadyQueue(valkey, time_limit=PATIENCE_SECONDS).hint, pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def relay_db(urls: Urls) -> AsyncIterator[Database]:
    from foundation.database.engine import Database

    database = Database(urls.relay, pool_size=2)
    yield database
    await database.close()
