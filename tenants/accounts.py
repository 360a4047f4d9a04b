"""MSPs and their clients.

An account is created in a transaction whose scope is the new account itself; no scope covers two tenants.
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.jobs.lane_share import put_lane_share
from foundation.marks import N_
from foundation.names import clean_name
from foundation.reasons import clean_reason
from foundation.web.pagination import ListQuery, ResultPage, Sort, SortKey, select_page
from tenants.audit_actions import AccountAction, TenantAction
from tenants.auth.services import AuthServices
from tenants.errors import SlugTaken
from tenants.models import Client, Msp
from tenants.regions import check_region
from tenants.states import CLIENTS, AccountStatus, ClientStatus, Environment

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_POOL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


BY_SLUG: Final = Sort(
    name="slug", label=N_("By short name"), reverse_label=N_("By short name, descending"), keys=[SortKey("client.slug")]
)
ALL_CLIENTS: Final = ListQuery(list="clients", sort=BY_SLUG, limit=200)


async def create_msp(session: AsyncSession, *, name: str, slug: str, now: datetime) -> Msp:
    """Create an MSP. The session's scope is the new MSP account: `tenant_id == msp_id`.

    Raises:
        SlugTaken: another MSP of this deployment has the slug.
    """
    scope = scope_of(session)
    if scope.tenant_id != scope.msp_id:
        raise RuntimeError("an MSP is created in the scope of its own account")
    values = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "name": clean_name(name), "slug": check_slug(slug)}
    statement = insert(Msp).values(**values, status=AccountStatus.ACTIVE, created_at=now).on_conflict_do_nothing()
    msp: Msp | None = await session.scalar(statement.returning(Msp))
    if msp is None:
        raise SlugTaken(
            N_("Another MSP has the short name “{slug}”. Choose a different one."),
            params={"slug": slug},
            slug=slug,
        )
    await put_lane_share(session)
    append_audit(
        session,
        action=AccountAction.MSP_CREATED,
        subject=f"msp:{msp.tenant_id}",
        data={"name": msp.name, "slug": slug},
        at=now,
    )
    return msp


async def create_client(  # noqa: PLR0913 - keyword-only parts of one form
    session: AsyncSession,
    *,
    name: str,
    slug: str,
    currency: str,
    language: str = "",
    time_zone: str = "",
    region: str = "",
    environment: Environment = Environment.LIVE,
    now: datetime,
) -> Client:
    """Create a client. The session's scope is the new client: its `tenant_id` becomes the client's id. The vault key is
    created on first use.

    Raises:
        SlugTaken: another client of the same MSP has the slug.
        InvalidInput: a part is malformed.
    """
    scope = scope_of(session)
    if not _CURRENCY.fullmatch(currency):
        raise InvalidInput(N_("A currency is an ISO 4217 code such as EUR."), field="currency")
    values = {
        "tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "name": clean_name(name), "slug": check_slug(slug),
        "currency": currency, "language": language or None, "time_zone": time_zone or None,
        "region": check_region(region), "environment": environment,
    }  # fmt: skip
    statement = insert(Client).values(**values, status=AccountStatus.ACTIVE, created_at=now)
    client: Client | None = await session.scalar(statement.on_conflict_do_nothing().returning(Client))
    if client is None:
        raise SlugTaken(
            N_("Another of your clients has the short name “{slug}”. Choose a different one."),
            params={"slug": slug},
            slug=slug,
        )
    await put_lane_share(session)
    data = {"name": client.name, "slug": slug, "currency": currency, "environment": environment}
    append_audit(session, action=TenantAction.CLIENT_CREATED, subject=f"client:{client.tenant_id}", data=data, at=now)
    return client


async def list_clients(session: AsyncSession, query: ListQuery = ALL_CLIENTS) -> ResultPage[Client]:
    """One page of `tenants.lists.CLIENTS`: clients of the scope's MSP; requires fleet scope."""
    statement = select(Client).where(Client.msp_id == scope_of(session).msp_id)
    if query.values.get("status"):
        statement = statement.where(Client.status == query["status"])
    return await select_page(session, statement, query)


async def get_client_by_slug(session: AsyncSession, slug: str) -> Client:
    """Look up a client: any client of the MSP in fleet scope; only itself in a client's own scope.

    Raises:
        NotFound: no such client, or it belongs to another account.
    """
    scope = scope_of(session)
    if not _SLUG.fullmatch(slug):
        raise NotFound
    client = await session.scalar(select(Client).where(Client.msp_id == scope.msp_id, Client.slug == slug))
    if client is None:
        raise NotFound
    return client


async def get_client(session: AsyncSession) -> Client:
    """The client of this scope.

    Raises:
        NotFound: the scope is an MSP account.
    """
    client = await session.scalar(select(Client).where(Client.tenant_id == scope_of(session).tenant_id))
    if client is None:
        raise NotFound
    return client


async def get_msp(session: AsyncSession) -> Msp:
    """The MSP of this scope, which is the MSP account or the fleet.

    Raises:
        NotFound: the scope is a client.
    """
    msp = await session.scalar(select(Msp).where(Msp.tenant_id == scope_of(session).msp_id))
    if msp is None:
        raise NotFound
    return msp


async def suspend_client(session: AsyncSession, *, reason: str, now: datetime) -> Client:
    """Refuse the client's members, API keys and webhooks from their next request on, and pause its jobs.

    Batches in progress end first. Nothing is deleted, and the MSP's staff still have read access.
    """
    return await _set_status(session, ClientStatus.SUSPENDED, reason, now)


async def resume_client(session: AsyncSession, auth: AuthServices, *, reason: str, now: datetime) -> Client:
    """Continue jobs and SLO clocks where they were paused, in order. Senders redeliver the webhooks refused
    meanwhile.
    """
    own = Client.tenant_id == scope_of(session).tenant_id
    since = await session.scalar(select(Client.suspended_at).where(own).with_for_update())
    client = await _set_status(session, ClientStatus.ACTIVE, reason, now)
    if since is not None:
        await auth.move_clocks(session, since, now)
    return client


async def _set_status(session: AsyncSession, status: ClientStatus, reason: str, now: datetime) -> Client:
    scope, reason = scope_of(session), clean_reason(reason)
    own = (Client.tenant_id == scope.tenant_id, Client.status.in_(CLIENTS.before(status)))
    resting = status is ClientStatus.SUSPENDED
    values = {"status": status, "suspended_at": now if resting else None}
    client: Client | None = await session.scalar(update(Client).where(*own).values(values).returning(Client))
    if client is None:
        return await get_client(session)
    await put_lane_share(session, resting=resting)
    action = TenantAction.CLIENT_SUSPENDED if resting else TenantAction.CLIENT_RESUMED
    append_audit(session, action=action, subject=f"client:{client.tenant_id}", data={"reason": reason}, at=now)
    return client


async def set_lane_share(session: AsyncSession, *, pool: str, weight: int, cap: int, now: datetime) -> None:
    """Set the worker share of the scope's tenant. A dedicated `pool` is served by workers pinned to the tenant."""
    if not _POOL.fullmatch(pool):
        raise InvalidInput(N_("A pool name has lower-case letters, digits and hyphens only."), field="pool")
    if not (1 <= weight <= 100 and 1 <= cap <= 1000):
        raise InvalidInput(N_("A weight is between 1 and 100, a cap between 1 and 1000."), field="weight")
    scope = scope_of(session)
    values = {"pool": pool, "weight": weight, "cap": cap}
    await put_lane_share(session, **values)
    append_audit(session, action=AccountAction.LANE_SHARE_SET, subject=f"tenant:{scope.tenant_id}", data=values, at=now)


async def find_client_slug(session: AsyncSession, client_id: UUID) -> str | None:
    """Slug of one of the reader's clients."""
    own = (Client.msp_id == scope_of(session).msp_id, Client.tenant_id == client_id)
    slug: str | None = await session.scalar(select(Client.slug).where(*own))
    return slug


async def name_clients(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Names of those of `ids` that are clients visible to the reader."""
    own = (Client.msp_id == scope_of(session).msp_id, Client.tenant_id.in_(ids))
    rows = await session.execute(select(Client.tenant_id, Client.name).where(*own))
    return {row.tenant_id: row.name for row in rows}


def check_slug(slug: str) -> str:
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            N_("A short name has 1 to 63 lower-case letters and digits, with hyphens only between them."), field="slug"
        )
    return slug
