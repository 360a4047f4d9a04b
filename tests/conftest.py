"""Fixtures every room's tests share: real servers, the real migrations, the application's own roles."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import redis.asyncio

from controlplane.migrate import migrate_schema, prepare_roles
from foundation.database.engine import Database
from foundation.database.roles import APP, INTAKE, RELAY, RolePasswords
from foundation.ids import new_id
from foundation.lanes.ring import Ring
from foundation.scope import Actor, Scope
from tests.support.servers import Servers, running_servers
from foundation.settings import with_role

PASSWORDS = RolePasswords(app="app-test", intake="intake-test", relay="relay-test")
pytest_plugins = ["tests.support.no_skips"]


@dataclass(frozen=True)
class Urls:
    """One migrated database, as each role reaches it."""

    owner: str
    app: str
    intake: str
    relay: str
    redis: str


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with running_servers() as started:
        yield started


@pytest.fixture(scope="session")
def urls(servers: Servers) -> Urls:
    """The database, migrated once per pytest process. Tests do not clean up: each makes its own MSP and clients."""
    asyncio.run(prepare_roles(servers.admin_url, PASSWORDS))
    migrate_schema(servers.owner_url)
    return Urls(
        owner=servers.owner_url,
        app=with_role(servers.owner_url, APP, PASSWORDS.app),
        intake=with_role(servers.owner_url, INTAKE, PASSWORDS.intake),
        relay=with_role(servers.owner_url, RELAY, PASSWORDS.relay),
        redis=servers.redis_url,
    )


@pytest.fixture
async def valkey(urls: Urls) -> AsyncIterator["redis.asyncio.Redis"]:
    client = redis.asyncio.Redis.from_url(urls.redis)
    yield client
    await client.aclose()


@pytest.fixture
async def db(urls: Urls, valkey: "redis.asyncio.Redis") -> AsyncIterator[Database]:
    """The application's own database access: role fairlead_app, no BYPASSRLS, not the owner."""
    database = Database(urls.app, ring=Ring(valkey).hint, pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def relay_db(urls: Urls) -> AsyncIterator[Database]:
    database = Database(urls.relay, pool_size=2)
    yield database
    await database.close()


def make_scope(
    *, msp_id: UUID | None = None, tenant_id: UUID | None = None, name: str = "Ada", partner_id: UUID | None = None
) -> Scope:
    """A scope of a tenant that exists nowhere else."""
    actor = Actor(kind="person", id=str(new_id()), name=name)
    return Scope(msp_id=msp_id or new_id(), tenant_id=tenant_id or new_id(), actor=actor, partner_id=partner_id)


@pytest.fixture
def scope() -> Scope:
    return make_scope()


@pytest.fixture
def other_scope() -> Scope:
    """Another client of another MSP, for every isolation test."""
    return make_scope(name="Mallory")


@pytest.fixture
def sibling_scope(scope: Scope) -> Scope:
    """Another client of the same MSP."""
    return make_scope(msp_id=scope.msp_id, name="Sib")
