"""`fairlead access`: requests of an MSP's staff for access to a client, and their answers, by the operator."""

from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP
from tenants.delegated_access.lists import ACCESS_GRANTS, list_access
from tenants.delegated_access.manage import answer_access, end_access, set_staff_access
from tenants.delegated_access.schemas import access_view
from tenants.states import StaffAccess

_GRANT = click.option("--id", "grant_id", required=True, type=click.UUID, help="The request (`fairlead access list`).")


@click.group(cls=NounGroup)
def access() -> None:
    """Access of an MSP's staff to its clients."""


@access.command("list")
@MSP
@CLIENT
def list_(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List the newest 200 requests with their answers."""

    async def act(session: AsyncSession) -> CommandResult:
        query = ACCESS_GRANTS.parse({}).query.with_limit(200)
        found = (await list_access(session, query, utc_now())).items
        lines = [f"{one.id}  {one.member}  {one.role}  {one.state}  {one.reason}" for one in found]
        return CommandResult(
            "\n".join(lines) or "Nobody asked for access.", [msgspec.to_builtins(one) for one in found]
        )

    run_in_account(operator_scope(msp_id, tenant_id), act)


@access.command()
@MSP
@CLIENT
@_GRANT
@click.option("--grant/--refuse", required=True, help="The answer.")
def answer(*, msp_id: UUID, tenant_id: UUID, grant_id: UUID, grant: bool) -> None:
    """Answer a request for a client whose members cannot."""

    async def act(session: AsyncSession) -> CommandResult:
        done = await answer_access(session, None, grant_id, grant=grant, now=utc_now())
        text = f"{done.member_name} has access until {done.ends_at:%Y-%m-%d %H:%M} UTC." if grant else "Refused."
        return CommandResult(text, msgspec.to_builtins(access_view(done, utc_now())))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@access.command()
@MSP
@CLIENT
@_GRANT
def revoke(*, msp_id: UUID, tenant_id: UUID, grant_id: UUID) -> None:
    """Revoke access at once."""

    async def act(session: AsyncSession) -> CommandResult:
        done = await end_access(session, None, grant_id, now=utc_now())
        view = msgspec.to_builtins(access_view(done, utc_now()))
        return CommandResult(f"The access of {done.member_name} has ended.", view)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@access.command("set")
@MSP
@CLIENT
@click.option(
    "--staff-access",
    required=True,
    type=click.Choice([str(one) for one in StaffAccess]),
    help="Always, or only on a request that the client approves.",
)
def set_(*, msp_id: UUID, tenant_id: UUID, staff_access: str) -> None:
    """Set whether the MSP's staff enter the client always or on request only."""

    async def act(session: AsyncSession) -> CommandResult:
        await set_staff_access(session, None, StaffAccess.of(staff_access), now=utc_now())
        return CommandResult(f"Access of the staff: {staff_access}.", {"staff_access": staff_access})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS = (CliCommand(command=access),)
