"""`fairlead partner`: a client's trading partners."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.ids import new_id
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP
from tenants.partners.manage import change_partner, create_partner, resume_partner, suspend_partner, view_partners
from tenants.states import PartnerKind

_PARTNER = click.option(
    "--partner", "partner_id", required=True, type=click.UUID, help="The partner's ID (`fairlead partner list`)."
)
_NAME = click.option("--name", required=True, help="The partner's name.")
_KINDS = click.Choice([str(one) for one in PartnerKind])
_KIND = click.option(
    "--kind", type=_KINDS, default=str(PartnerKind.RESELLER), show_default=True, help="What the partner is."
)
_NEW_KIND = click.option("--kind", type=_KINDS, help="What the partner is; without it, as before.")


@click.group(cls=NounGroup)
def partner() -> None:
    """Trading partners of a client."""


@partner.command("list")
@MSP
@CLIENT
def list_(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List a client's trading partners."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await view_partners(session)
        lines = [f"{one.id}  {one.kind}  {one.status}  {one.name}" for one in found]
        return CommandResult("\n".join(lines), [msgspec.to_builtins(one) for one in found])

    run_in_account(operator_scope(msp_id, tenant_id), act)


@partner.command()
@MSP
@CLIENT
@_NAME
@_KIND
def create(*, msp_id: UUID, tenant_id: UUID, name: str, kind: str) -> None:
    """Create a trading partner."""
    partner_id = new_id()

    async def act(session: AsyncSession) -> None:
        await create_partner(session, partner_id=partner_id, name=name, kind=PartnerKind.of(kind), now=utc_now())

    _run(msp_id, tenant_id, partner_id, act)


@partner.command()
@MSP
@CLIENT
@_PARTNER
@_NAME
@_NEW_KIND
def change(*, msp_id: UUID, tenant_id: UUID, partner_id: UUID, name: str, kind: str | None) -> None:
    """Rename a trading partner, or correct its kind."""

    async def act(session: AsyncSession) -> None:
        new_kind = None if kind is None else PartnerKind.of(kind)
        await change_partner(session, partner_id, name=name, kind=new_kind, now=utc_now())

    _run(msp_id, tenant_id, partner_id, act)


@partner.command()
@MSP
@CLIENT
@_PARTNER
def suspend(*, msp_id: UUID, tenant_id: UUID, partner_id: UUID) -> None:
    """Refuse the members of a trading partner."""

    async def act(session: AsyncSession) -> None:
        await suspend_partner(session, partner_id, now=utc_now())

    _run(msp_id, tenant_id, partner_id, act)


@partner.command()
@MSP
@CLIENT
@_PARTNER
def resume(*, msp_id: UUID, tenant_id: UUID, partner_id: UUID) -> None:
    """Let the members of a trading partner sign in again."""

    async def act(session: AsyncSession) -> None:
        await resume_partner(session, partner_id, now=utc_now())

    _run(msp_id, tenant_id, partner_id, act)


COMMANDS = (CliCommand(command=partner),)


def _run(msp_id: UUID, tenant_id: UUID, partner_id: UUID, act: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async def run(session: AsyncSession) -> CommandResult:
        await act(session)
        (found,) = await view_partners(session, partner_id)
        return CommandResult(f"{found.id}\n{found.name} is {found.status}.", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), run)
