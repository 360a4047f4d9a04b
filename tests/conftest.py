"""Fixtures every room's tests share: real servers, the real migrations, the application's own roles."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
import redis.asyncio
import structlog
from hypothesis import HealthCheck, settings
from psycopg import sql

from controlplane.migrate import migrate_schema, prepare_roles
from controlplane.services import Services, build_services
from foundation.database.engine import Database
from foundation.database.roles import APP, INTAKE, RELAY, RolePasswords
from foundation.ids import new_id
from foundation.lanes.ring import Ring
from foundation.scope import Actor, Scope
from foundation.settings import Settings, with_role
from tests.connectors.running import RunningSandbox, running_sandbox
from tests.support.servers import Servers, running_servers
from tests.support.site import House, Site, furnish, running_site
from tests.support.world import World, build_world

PATIENCE_SECONDS = 120
PASSWORDS = RolePasswords(app="app-test", intake="intake-test", relay="relay-test")
VAULT_KEYS = "k1:" + base64.b64encode(bytes(range(32))).decode()
# No test of ours fails because the machine was busy; what a fixture holds between examples, each test says itself.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("any machine")
# The pretty form of a traceback tells every local variable: on a busy machine the loop stands still for half a minute.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)
pytest_plugins = ["tests.support.no_skips", "tests.support.figures"]


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
    dbname = urlsplit(servers.owner_url).path
    asyncio.run(prepare_roles(urlsplit(servers.admin_url)._replace(path=dbname).geturl(), PASSWORDS))
    migrate_schema(servers.owner_url)
    _bear_pauses(servers)
    patient = f"{servers.owner_url}{'&' if '?' in servers.owner_url else '?'}connect_timeout={PATIENCE_SECONDS}"
    return Urls(
        owner=servers.owner_url,
        app=with_role(patient, APP, PASSWORDS.app),
        intake=with_role(patient, INTAKE, PASSWORDS.intake),
        relay=with_role(patient, RELAY, PASSWORDS.relay),
        redis=servers.redis_url,
    )


def _bear_pauses(servers: Servers) -> None:
    """A test whose process stands still inside a transaction goes on with it afterwards."""
    dbname = urlsplit(servers.owner_url).path.removeprefix("/")
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        for role in (APP, INTAKE, RELAY):
            connection.execute(
                sql.SQL("ALTER ROLE {} IN DATABASE {} SET idle_in_transaction_session_timeout = {}").format(
                    sql.Identifier(role), sql.Identifier(dbname), sql.Literal(f"{PATIENCE_SECONDS}s")
                )
            )


@pytest.fixture
async def valkey(urls: Urls) -> AsyncIterator["redis.asyncio.Redis"]:
    client = redis.asyncio.Redis.from_url(
        urls.redis, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )
    yield client
    await client.aclose()


@pytest.fixture
async def db(urls: Urls, valkey: "redis.asyncio.Redis") -> AsyncIterator[Database]:
    """The application's own database access: role fairlead_app, no BYPASSRLS, not the owner."""
    database = Database(urls.app, ring=Ring(valkey, patience=PATIENCE_SECONDS).hint, pool_size=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
async def services(urls: Urls) -> AsyncIterator[Services]:
    """The product's own composition, on the test's servers; loopback may be called because the sandbox is there."""
    settings = Settings(
        owner_url=urls.owner,
        app_url=urls.app,
        intake_url=urls.intake,
        relay_url=urls.relay,
        redis_url=urls.redis,
        vault_keys=VAULT_KEYS,
        secret_key=b"a secret of the tests, 32 bytes long",
        outbound_allowed="127.0.0.0/8",
    )
    built = build_services(settings)
    yield built
    await built.close()


@pytest.fixture
async def world(services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox) -> AsyncIterator[World]:
    """One client on sandbox systems."""
    built = await build_world(services, relay_db, urls.intake, sandbox)
    yield built
    await built.close()


@pytest.fixture
async def other_world(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[World]:
    """Another client of another MSP, with the same goods."""
    built = await build_world(services, relay_db, urls.intake, sandbox)
    yield built
    await built.close()


@pytest.fixture
async def site(services: Services, tmp_path: Path) -> AsyncIterator[Site]:
    """The whole application, and browsers that visit it."""
    async with running_site(services, tmp_path / "static") as running:
        yield running


@pytest.fixture
async def house(world: World) -> House:
    """The world's MSP with a brand and its people."""
    return await furnish(world, name="Calm Harbour")


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
