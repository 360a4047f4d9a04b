"""Commands of invitations: `fairlead member invite`, `renew-invitation` and `withdraw-invitation`."""

from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from branding.directory import read_own_brand
from foundation.clock import utc_now
from foundation.commands import CommandResult
from foundation.ids import new_id
from foundation.rooms import CliCommand
from tenants.auth.services import AuthServices
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.invitations.issue import invite_member, reissue_invitation
from tenants.mail.mailer import Portal
from tenants.members.commands import EMAIL, ROLE, member_data, run_with_auth
from tenants.members.repository import NewMember, find_member, withdraw_invite


class PortalAddress(click.ParamType[str]):
    """Parameter type: scheme and host of the pages, on which an invitation's link is opened."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        parts = urlsplit(str(value))
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
            self.fail(f"write “{value}” as https://portal.example.com.", param, ctx)
        return f"{parts.scheme}://{parts.netloc}"


_PORTAL: Final = click.option(
    "--portal",
    required=True,
    type=PortalAddress(),
    help="Address where the member signs in, such as https://portal.example.",
)


@click.command()
@MSP
@CLIENT_OR_MSP
@EMAIL
@click.option("--name", required=True, help="The member's name.")
@ROLE
@click.option("--partner", "partner_id", type=click.UUID, help="The trading partner, for the role “partner”.")
@_PORTAL
def invite(*, msp_id: UUID, tenant_id: UUID | None, role: str, portal: str, **given: Any) -> None:
    """Invite a member. The link is mailed, and printed this once."""
    wanted = NewMember(new_id(), given["email"], given["name"], given["partner_id"])

    async def use(session: AsyncSession, auth: AuthServices) -> CommandResult:
        where = Portal(portal, (await read_own_brand(session)).id)
        member, link = await invite_member(session, auth, None, wanted, role=role, new_id=new_id, portal=where)
        return CommandResult(f"{link}\n{member.email} is invited.", member_data(member) | {"link": link})

    run_with_auth(msp_id, tenant_id, use)


@click.command("renew-invitation")
@MSP
@CLIENT_OR_MSP
@EMAIL
@_PORTAL
def renew_invitation(*, msp_id: UUID, tenant_id: UUID | None, email: str, portal: str) -> None:
    """Create and mail a new link for a member who never used theirs. Earlier links end."""

    async def use(session: AsyncSession, auth: AuthServices) -> CommandResult:
        where, member = Portal(portal, (await read_own_brand(session)).id), await find_member(session, email)
        _, link = await reissue_invitation(session, auth, None, member.id, portal=where)
        return CommandResult(f"{link}\n{member.email} is invited again.", member_data(member) | {"link": link})

    run_with_auth(msp_id, tenant_id, use)


@click.command("withdraw-invitation")
@MSP
@CLIENT_OR_MSP
@EMAIL
def withdraw_invitation(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """End the open invitation of a member."""

    async def use(session: AsyncSession, _: AuthServices) -> CommandResult:
        member = await find_member(session, email)
        await withdraw_invite(session, member_id=member.id, now=utc_now())
        return CommandResult(f"The invitation of {member.email} is withdrawn.", member_data(member))

    run_with_auth(msp_id, tenant_id, use)


INVITATION_COMMANDS: Final = tuple(
    CliCommand(command=command, under="member") for command in (invite, renew_invitation, withdraw_invitation)
)
