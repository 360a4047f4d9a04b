"""Commands of members: `fairlead member list`, `suspend`, `assign-role` and others. The operator of the
installation may do in every account what its administrators do on the page of members.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, operator_scope, run_with_services
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.auth.services import AuthServices
from tenants.auth.sign_out import sign_out_everywhere
from tenants.command_options import CLIENT_OR_MSP, MSP, REASON
from tenants.list_command import list_command
from tenants.members.change_member import assign_to_member, revoke_from_member, suspend_member
from tenants.members.lists import MEMBERS
from tenants.members.repository import find_member
from tenants.members.schemas import MemberView
from tenants.models import Member

_Use = Callable[[AsyncSession, AuthServices], Awaitable[CommandResult]]


EMAIL: Final = click.option("--email", required=True, help="The member's e-mail address.")
ROLE: Final = click.option("--role", required=True, help="The role's ID (`fairlead role list`).")
_REASON: Final = click.option("--reason", required=True, type=REASON, help="Recorded in the account's audit trail.")


@click.command()
@MSP
@CLIENT_OR_MSP
@EMAIL
@_REASON
def suspend(*, msp_id: UUID, tenant_id: UUID | None, email: str, reason: str) -> None:
    """Suspend a member: every session and key of theirs is refused. The account keeps an administrator."""

    async def use(session: AsyncSession, auth: AuthServices) -> CommandResult:
        member = await find_member(session, email)
        await suspend_member(session, None, member, reason=reason, auth=auth)
        return CommandResult(f"{member.email} is suspended.", member_data(member))

    run_with_auth(msp_id, tenant_id, use)


@click.command("sign-out")
@MSP
@CLIENT_OR_MSP
@EMAIL
def sign_out(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Sign a member out on every device. They can sign in again."""

    async def use(session: AsyncSession, _: AuthServices) -> CommandResult:
        member = await find_member(session, email)
        await sign_out_everywhere(session, member_id=member.id, now=utc_now())
        return CommandResult(f"{member.email} is signed out.", member_data(member))

    run_with_auth(msp_id, tenant_id, use)


@click.command("assign-role")
@MSP
@CLIENT_OR_MSP
@EMAIL
@ROLE
def assign_role(*, msp_id: UUID, tenant_id: UUID | None, email: str, role: str) -> None:
    """Give a member a role."""

    async def use(session: AsyncSession, auth: AuthServices) -> CommandResult:
        member = await find_member(session, email)
        await assign_to_member(session, None, member, role=role, auth=auth, new_id=new_id)
        return CommandResult(f"{member.email} has the role {role}.", member_data(member) | {"role": role})

    run_with_auth(msp_id, tenant_id, use)


@click.command("remove-role")
@MSP
@CLIENT_OR_MSP
@EMAIL
@ROLE
def remove_role(*, msp_id: UUID, tenant_id: UUID | None, email: str, role: str) -> None:
    """Take a role from a member, effective with their next request. The account keeps an administrator."""

    async def use(session: AsyncSession, auth: AuthServices) -> CommandResult:
        member = await find_member(session, email)
        await revoke_from_member(session, None, member, role=role, auth=auth, new_id=new_id)
        return CommandResult(f"{member.email} no longer has the role {role}.", member_data(member) | {"role": role})

    run_with_auth(msp_id, tenant_id, use)


def run_with_auth(msp_id: UUID, tenant_id: UUID | None, use: _Use) -> None:
    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            return await use(session, services.get(AuthServices))

    run_with_services(act)


def member_data(member: Member) -> dict[str, Any]:
    return {"id": member.id, "email": member.email}


def _line(member: MemberView) -> str:
    return f"{member.id}  {member.status}  {member.email}  {member.name}"


_LIST: Final = list_command(MEMBERS, _line, about="List the members of an account.", of_msp=True)
MEMBER_COMMANDS: Final = tuple(
    CliCommand(command=command, under="member")
    for command in (
        _LIST, suspend, sign_out, assign_role, remove_role,
    )
)  # fmt: skip
