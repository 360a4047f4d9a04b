"""Two MSPs with clients and members, created for each test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import redis.asyncio
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from foundation.vault.key_ring import KeyRing
from foundation.vault.vault import Vault
from policy.cache import PolicyCache
from tenants.accounts import create_client, create_msp
from tenants.auth.challenges import Challenges
from tenants.auth.devices import Devices
from tenants.auth.passwords import Passwords
from tenants.auth.services import AuthServices
from tenants.auth.sessions import SessionStore
from tenants.auth.sign_in import Credentials
from tenants.auth.throttle import SignInThrottle
from tenants.auth.tickets import TicketStore
from tenants.factors.factors import SecondFactors
from tenants.mail.mailer import Mailer
from tenants.members.repository import NewMember, create_member, set_password
from tenants.permissions import TenantPermission
from tenants.secrets import new_secret
from tests.conftest import VAULT_KEYS
from tests.support.passwords import CHEAP

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PASSWORD = "seven calm herons wade"
_ROOT = Actor.system("operator")


class Ticking:
    """A clock that advances on request."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass(frozen=True)
class Tenant:
    scope: Scope
    slug: str


@dataclass(frozen=True)
class Somebody:
    scope: Scope
    id: UUID
    email: str


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CHEAP)


@pytest.fixture
def sessions(valkey: "redis.asyncio.Redis") -> SessionStore:
    return SessionStore(valkey, new_secret)


@pytest.fixture
def throttle(valkey: "redis.asyncio.Redis") -> SignInThrottle:
    return SignInThrottle(valkey)


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


async def leave_clocks(session: AsyncSession, since: datetime, now: datetime) -> None:
    """Replacement for the higher room, which these tests do not have."""


@pytest.fixture
def auth(  # noqa: PLR0917 - fixtures
    db: Database,
    passwords: Passwords,
    sessions: SessionStore,
    throttle: SignInThrottle,
    clock: Ticking,
    valkey: "redis.asyncio.Redis",
) -> AuthServices:
    vault = Vault(KeyRing.parse(VAULT_KEYS), new_id, clock)
    return AuthServices(
        db, PolicyCache(), sessions, passwords, throttle, Devices(new_secret), clock, new_secret, leave_clocks,
        Mailer(vault, new_id), TicketStore(valkey, new_secret), SecondFactors(vault, new_secret),
        Challenges(valkey, new_secret), {str(one): one.label for one in TenantPermission},
    )  # fmt: skip


@pytest.fixture
async def msp(db: Database) -> Tenant:
    return await make_msp(db)


@pytest.fixture
async def other_msp(db: Database) -> Tenant:
    return await make_msp(db)


@pytest.fixture
async def client(db: Database, msp: Tenant) -> Tenant:
    return await make_client(db, msp, "acme")


@pytest.fixture
async def sibling(db: Database, msp: Tenant) -> Tenant:
    """Another client of the same MSP."""
    return await make_client(db, msp, "borealis")


@pytest.fixture
async def foreigner(db: Database, other_msp: Tenant) -> Tenant:
    """A client of the other MSP, with the same slug as `client`."""
    return await make_client(db, other_msp, "acme")


@pytest.fixture
async def ada(db: Database, client: Tenant, passwords: Passwords) -> Somebody:
    return await make_member(db, passwords, client, "ada@example.com")


@pytest.fixture
async def staff(db: Database, msp: Tenant, passwords: Passwords) -> Somebody:
    return await make_member(db, passwords, msp, "staff@example.com")


async def make_msp(db: Database) -> Tenant:
    msp_id = new_id()
    scope = Scope(msp_id=msp_id, tenant_id=msp_id, actor=_ROOT)
    slug = f"msp-{msp_id.hex}"
    async with db.transaction(scope) as session:
        await create_msp(session, name="Northwind Managed", slug=slug, now=NOW)
    return Tenant(scope, slug)


async def make_client(db: Database, msp: Tenant, slug: str) -> Tenant:
    scope = msp.scope.for_tenant(new_id())
    async with db.transaction(scope) as session:
        await create_client(session, name=slug.title(), slug=slug, currency="EUR", now=NOW)
    return Tenant(scope, slug)


async def make_member(
    db: Database, passwords: Passwords, tenant: Tenant, email: str, *, password: str = PASSWORD
) -> Somebody:
    member_id = new_id()
    async with db.transaction(tenant.scope) as session:
        await create_member(session, NewMember(member_id, email, "Ada Lovelace"), now=NOW)
        password_hash = await passwords.prepare(password, email=email)
        await set_password(session, member_id=member_id, password_hash=password_hash, now=NOW)
    return Somebody(tenant.scope, member_id, email)


def credentials(
    msp: Tenant, email: str, password: str = PASSWORD, address: str = "203.0.113.7", device: str = ""
) -> Credentials:
    return Credentials(msp.scope.msp_id, email, password, address, device)
