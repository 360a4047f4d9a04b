"""`fairlead member`: operator help for members whom no administrator of their account can help. `tenants` adds the acts
that administrators do on the page.

Password links are the operator's only, because a link equals a sign-in. Each act is audited.
"""

from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.ids import new_id
from foundation.rooms import AppServices
from policy.cache import PolicyCache
from tenants.auth.identity import load_principal
from tenants.auth.services import AuthServices
from tenants.command_options import CLIENT_OR_MSP, MSP, REASON
from tenants.members.change_member import assign_to_member, resume_member
from tenants.members.confirmation import confirm, require_joined
from tenants.members.device_links import issue_device_link
from tenants.members.repository import create_invite, find_member
from tenants.models import Member
from tenants.preferences.set_preferences import Preferences, set_account_preferences, set_member_preferences
from tenants.secrets import new_secret
from tenants.states import AccountStatus

_EMAIL = click.option("--email", required=True, help="The member's e-mail address.")
_REASON = click.option("--reason", required=True, type=REASON, help="Recorded in the account's audit trail.")


@click.group(cls=NounGroup)
def member() -> None:
    """Members of an MSP or a client, and access for those whom no administrator of their account can help."""


@member.command()
@MSP
@CLIENT_OR_MSP
@_EMAIL
@_REASON
@click.option("--administrator", is_flag=True, help="Also assign the administrator role.")
def resume(*, msp_id: UUID, tenant_id: UUID | None, email: str, reason: str, administrator: bool) -> None:
    """Resume a suspended member, for an account whose administrators are all locked out."""

    async def act(services: AppServices) -> CommandResult:
        scope = operator_scope(msp_id, tenant_id or msp_id)
        async with services.db.transaction(scope) as session:
            member = await find_member(session, email)
            if administrator and member.partner_id is not None:
                raise Conflict(
                    "This is a partner's member, who can have no other role. Choose one of the account's own members."
                )
            if member.status == AccountStatus.SUSPENDED:
                auth = services.get(AuthServices)
                await resume_member(session, None, member, auth=auth, reason=reason)
            if administrator:
                await _make_administrator(session, services, member)
            has_password = member.password_hash is not None
            await session.flush()
            serves = await load_principal(session, services.get(PolicyCache), member.id) is not None
        data = {"id": member.id, "email": member.email, "can_sign_in": serves, "administrator": administrator}
        if has_password and not serves:
            blocked = "the account is suspended. Resume it with `fairlead client resume`."
            return CommandResult(f"{member.email} is resumed, but {blocked}", data)
        advice = "" if has_password else "\nNo password is set. Create a link with `fairlead member reset-password`."
        return CommandResult(
            f"{member.email} can sign in{' as an administrator' if administrator else ''}.{advice}", data
        )

    run_with_services(act)


@member.command("confirm")
@MSP
@CLIENT_OR_MSP
@_EMAIL
def confirm_(msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Confirm that a member is not the same person as their inviter, when no administrator of the account can."""

    async def act(session: AsyncSession) -> CommandResult:
        member = await find_member(session, email)
        require_joined(member)
        await confirm(session, member, by="the operator", now=utc_now())
        return CommandResult(f"{member.email} is confirmed.", {"id": member.id, "email": member.email})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@member.command("reset-password")
@MSP
@CLIENT_OR_MSP
@_EMAIL
def reset_password(msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Create a link with which a member chooses a new password. It works once, for seven days.

    Anyone who has the link can sign in as the member, so send it only to that member. The audit trail records it.
    """

    async def act(session: AsyncSession) -> CommandResult:
        member = await find_member(session, email)
        if member.status == AccountStatus.SUSPENDED:
            raise Conflict(
                "This member is suspended, so a link would not work. Resume them with `fairlead member resume`."
            )
        path = f"/welcome/{await create_invite(session, new_secret, member_id=member.id, now=utc_now())}"
        return CommandResult(
            f"{path}\nOpen it on the host where {member.email} signs in.", {"path": path, "email": member.email}
        )

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@member.command()
@MSP
@CLIENT_OR_MSP
@click.option("--email", help="The member; without it, the account's default for members who chose none.")
@click.option("--language", default="", help="Such as de; without it, that of the account or the browser.")
@click.option("--time-zone", default="", help="Such as Europe/Berlin; without it, that of the account or UTC.")
def settings(*, msp_id: UUID, tenant_id: UUID | None, email: str | None, language: str, time_zone: str) -> None:
    """Set the language and time zone in which a member reads, or an account's default."""

    async def act(session: AsyncSession) -> CommandResult:
        wanted = Preferences(language, time_zone)
        if email is None:
            await set_account_preferences(session, wanted, now=utc_now())
            return CommandResult("The account's defaults are set.", msgspec.structs.asdict(wanted))
        found = await find_member(session, email)
        await set_member_preferences(session, found.id, wanted, now=utc_now())
        data = {"id": found.id, "email": found.email, **msgspec.structs.asdict(wanted)}
        return CommandResult(f"The settings of {found.email} are saved.", data)

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@member.command("unblock-sign-in")
@MSP
@CLIENT_OR_MSP
@_EMAIL
def unblock_sign_in(msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Create a link that lets a member sign in without waiting for failed attempts of others, with the password."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member, now = await find_member(session, email), utc_now()
            _, token = await issue_device_link(session, services.get(AuthServices), member_id=member.id, now=now)
        path = f"/sign-in/device/{token}"
        return CommandResult(
            f"{path}\nOpen it within an hour on the host where {member.email} signs in.",
            {"path": path, "email": member.email},
        )

    run_with_services(act)


async def _make_administrator(session: AsyncSession, services: AppServices, member: Member) -> None:
    scope = scope_of(session)
    role = "msp_admin" if scope.tenant_id == scope.msp_id else "client_admin"
    await assign_to_member(session, None, member, role=role, auth=services.get(AuthServices), new_id=new_id)
