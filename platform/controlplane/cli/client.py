"""`fairlead client`: clients of an MSP, their suspension, and their share of the workers."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.provisioning import create_new_client
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.jobs.ready_queue import SHARED_POOL
from foundation.rooms import AppServices
from tenants.accounts import get_client, list_clients, resume_client, set_lane_share, suspend_client
from tenants.auth.services import AuthServices
from tenants.change_client import change_client
from tenants.client_input import ClientChanges, ClientInput
from tenants.command_options import CLIENT, MSP, REASON
from tenants.models import Client
from tenants.schemas import client_view
from tenants.states import Environment

_WEIGHT = click.option(
    "--weight", default=1, show_default=True, help="Share of the workers, relative to other clients."
)
_CAP = click.option("--cap", default=4, show_default=True, help="Most lanes processed at the same time.")

_LANGUAGE = click.option("--language", help="Language of members who chose none, e.g. de.")
_TIME_ZONE = click.option("--time-zone", help="Time zone of members who chose none, e.g. Europe/Berlin.")
_REGION = click.option("--region", help="ISO 3166 code of the client's country or region, e.g. DE.")


@click.group(cls=NounGroup)
def client() -> None:
    """Clients of an MSP."""


@client.command("create")
@MSP
@click.option("--name", required=True, help="Name of the client.")
@click.option("--slug", required=True, help="Short name, e.g. birch.")
@click.option("--currency", required=True, help="ISO 4217 code, e.g. EUR.")
@_LANGUAGE
@_TIME_ZONE
@_REGION
@click.option("--sandbox", is_flag=True, help="A client with sandbox connections only.")
def create_client(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    name: str,
    slug: str,
    currency: str,
    language: str | None,
    time_zone: str | None,
    region: str | None,
    sandbox: bool,
) -> None:
    """Create a client of an MSP, with the starter policy. Its onboarding begins."""
    new = ClientInput(
        name=name, slug=slug, currency=currency, language=language or "", time_zone=time_zone or "",
        region=region or "", environment=Environment.SANDBOX if sandbox else Environment.LIVE,
    )  # fmt: skip

    async def act(services: AppServices) -> CommandResult:
        scope = await create_new_client(services, operator_scope(msp_id, msp_id), new)
        return CommandResult(f"client {scope.tenant_id}", {"id": scope.tenant_id, "slug": slug})

    run_with_services(act)


@client.command("update")
@MSP
@CLIENT
@click.option("--name", help="Name of the client.")
@_LANGUAGE
@_TIME_ZONE
@_REGION
def update_client(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    name: str | None,
    language: str | None,
    time_zone: str | None,
    region: str | None,
) -> None:
    """Change a client's details; details that are not given stay."""
    changes = ClientChanges(name=name, language=language, time_zone=time_zone, region=region)

    async def act(session: AsyncSession) -> CommandResult:
        revision = (await get_client(session)).revision
        changed = await change_client(session, changes, revision=revision, now=utc_now())
        return CommandResult(f"client {changed.slug} is saved", client_view(changed))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@client.command("list")
@MSP
def list_(msp_id: UUID) -> None:
    """List the clients of an MSP."""

    async def act(session: AsyncSession) -> CommandResult:
        clients = (await list_clients(session)).items
        lines = [f"{one.tenant_id}  {one.status:9}  {one.slug}" for one in clients]
        return CommandResult("\n".join(lines) or "no clients", [client_view(one) for one in clients])

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@client.command("pin")
@MSP
@CLIENT
@_WEIGHT
@_CAP
def pin(msp_id: UUID, tenant_id: UUID, weight: int, cap: int) -> None:
    """Move a client's lanes to a worker pool of its own. Serve the pool with `fairlead worker --client`."""
    _share(msp_id, tenant_id, pool=f"tenant-{tenant_id}", weight=weight, cap=cap)


@client.command("unpin")
@MSP
@CLIENT
@_WEIGHT
@_CAP
def unpin(msp_id: UUID, tenant_id: UUID, weight: int, cap: int) -> None:
    """Return a client's lanes to the shared pool."""
    _share(msp_id, tenant_id, pool=SHARED_POOL, weight=weight, cap=cap)


@client.command("suspend")
@MSP
@CLIENT
@click.option("--reason", required=True, type=REASON, help="Recorded in the client's audit trail.")
def suspend(msp_id: UUID, tenant_id: UUID, reason: str) -> None:
    """Suspend a client: members cannot sign in, keys and webhooks are refused, jobs pause. Nothing is deleted."""
    _set_status(msp_id, tenant_id, lambda session, _: suspend_client(session, reason=reason, now=utc_now()))


@client.command("resume")
@MSP
@CLIENT
@click.option(
    "--reason", default="resumed", show_default=True, type=REASON, help="Recorded in the client's audit trail."
)
def resume(msp_id: UUID, tenant_id: UUID, reason: str) -> None:
    """Resume a suspended client. Its jobs and targets continue where they were paused."""
    _set_status(msp_id, tenant_id, lambda session, auth: resume_client(session, auth, reason=reason, now=utc_now()))


def _set_status(
    msp_id: UUID, tenant_id: UUID, change: Callable[[AsyncSession, AuthServices], Awaitable[Client]]
) -> None:
    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            changed = await change(session, services.get(AuthServices))
        return CommandResult(f"client {changed.slug} is {changed.status}", client_view(changed))

    run_with_services(act)


def _share(msp_id: UUID, tenant_id: UUID, *, pool: str, weight: int, cap: int) -> None:
    async def act(session: AsyncSession) -> CommandResult:
        await set_lane_share(session, pool=pool, weight=weight, cap=cap, now=utc_now())
        return CommandResult(f"pool {pool}, weight {weight}, cap {cap}", {"pool": pool, "weight": weight, "cap": cap})

    run_in_account(operator_scope(msp_id, tenant_id), act)
