"""`fairlead member`: operator help for members whom nobody in their account can help. Each act is audited."""

from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import operator_scope, run_with_services
from foundation.errors import Conflict
from foundation.ids import new_id
from foundation.rooms import AppServices
from foundation.scope import Scope
from policy.cache import PolicyCache
from policy.publishing import assign_role
from tenants.auth.identity import load_principal
from tenants.command_options import CLIENT_OF_MSP, MSP, REASON
from tenants.members.confirmation import confirm, require_joined
from tenants.members.repository import find_member, mark_resumed
from tenants.models import AccountStatus, Member

_TENANT = click.option(
    "--tenant",
    "tenant_id",
    type=CLIENT_OF_MSP,
    help="The client's id or short name; without it, the MSP's own account.",
)
_EMAIL = click.option("--email", required=True)
_REASON = click.option("--reason", required=True, type=REASON, help="Stays in the account's audit chain.")


@click.group()
def member() -> None:
    """Break-glass help for members: when the account itself has nobody left who could give it."""


@member.command()
@MSP
@_TENANT
@_EMAIL
@_REASON
@click.option("--administrator", is_flag=True, help="Also make the member an administrator of the account.")
def resume(*, msp_id: UUID, tenant_id: UUID | None, email: str, reason: str, administrator: bool) -> None:
    """Let a suspended member sign in again, for an account whose administrators are all locked out."""

    async def act(services: AppServices) -> str:
        scope = operator_scope(msp_id, tenant_id or msp_id)
        async with services.db.transaction(scope) as session:
            member = await find_member(session, email)
            if administrator and member.partner_id is not None:
                raise Conflict(
                    "This is a partner's user, who can have no other role. Name one of the account's own members."
                )
            if member.status == AccountStatus.SUSPENDED:
                await mark_resumed(session, member_id=member.id, reason=reason, now=utc_now())
            if administrator:
                await _make_administrator(session, scope, member)
            has_password = member.password_hash is not None
            await session.flush()
            serves = await load_principal(session, services.get(PolicyCache), member.id) is not None
        if has_password and not serves:
            return f"{member.email} is let in, but the account is suspended: `fairlead tenant resume` serves it again."
        advice = "" if has_password else "\nThere is no password yet: `fairlead tenant password-link` makes a link."
        return f"{member.email} can sign in{' as an administrator' if administrator else ''}.{advice}"

    run_with_services(act)


@member.command("confirm")
@MSP
@_TENANT
@_EMAIL
def confirm_(msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Confirm that a member is somebody else than whoever invited them, where no colleague can."""

    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member = await find_member(session, email)
            require_joined(member)
            await confirm(session, member, by="the operator", now=utc_now())
        return f"{member.email} is confirmed."

    run_with_services(act)


async def _make_administrator(session: AsyncSession, scope: Scope, member: Member) -> None:
    role = "msp_admin" if scope.tenant_id == scope.msp_id else "client_admin"
    await assign_role(session, scope, member_id=member.id, role=role, clock=utc_now, new_id=new_id)
