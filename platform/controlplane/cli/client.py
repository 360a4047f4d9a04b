"""`fairlead client`: clients of an MSP, their suspension, and their share of the workers."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.provisioning import onboard_client
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.jobs.ready_queue import SHARED_POOL
from foundation.rooms import AppServices
from tenants.accounts import list_clients, resume_client, set_lane_share, suspend_client
from tenants.auth.services import AuthServices
from tenants.command_options import CLIENT, MSP, REASON
from tenants.models import Client
from tenants.schemas import client_view

_WEIGHT = click.option(
    "--weight", default=1, show_default=True, help="Share of the workers, relative to other clients."
)
_CAP = click.option("--cap", default=4, show_default=True, help="Most lanes processed at the same time.")


@click.group(cls=NounGroup)
def client() -> None:
    """Clients of an MSP."""


@client.command("create")
@MSP
@click.option("--name", required=True, help="Name of the client.")
@click.option("--slug", required=True, help="Short name, e.g. birch.")
@click.option("--currency", required=True, help="ISO 4217 code, e.g. EUR.")
def create_client(msp_id: UUID, name: str, slug: str, currency: str) -> None:
    """Create a client of an MSP, with the starter policy."""

    async def act(services: AppServices) -> CommandResult:
        scope = await onboard_client(services, operator_scope(msp_id, msp_id), name=name, slug=slug, currency=currency)
        return CommandResult(f"client {scope.tenant_id}", {"id": scope.tenant_id, "slug": slug})

    run_with_services(act)


@client.command("list")
@MSP
def list_(msp_id: UUID) -> None:
    """List the clients of an MSP."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, msp_id).for_fleet()) as session:
            clients = (await list_clients(session)).items
        lines = [f"{one.tenant_id}  {one.status:9}  {one.slug}" for one in clients]
        return CommandResult("\n".join(lines) or "no clients", [client_view(one) for one in clients])

    run_with_services(act)


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
    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            await set_lane_share(session, pool=pool, weight=weight, cap=cap, now=utc_now())
        return CommandResult(f"pool {pool}, weight {weight}, cap {cap}", {"pool": pool, "weight": weight, "cap": cap})

    run_with_services(act)
