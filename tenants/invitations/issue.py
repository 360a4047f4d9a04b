"""Invitation of a member: the member, the first role and the link, in one transaction."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from policy.publishing import assign_role, list_assignments
from tenants.accounts import get_client, get_msp
from tenants.auth.services import AuthServices
from tenants.mail.mail_types import INVITATION
from tenants.mail.mailer import Portal
from tenants.members.change_member import PARTNER, require_assignable
from tenants.members.repository import (
    INVITE_LIFE,
    NewMember,
    create_invite,
    create_member,
    get_member,
)
from tenants.models import Member
from tenants.principal import Principal
from tenants.recipients import recipient_of
from tenants.states import AccountStatus


async def invite_member(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    auth: AuthServices,
    by: Principal | None,
    wanted: NewMember,
    *,
    role: str,
    new_id: NewId,
    portal: Portal,
) -> tuple[Member, str]:
    """Create a member and queue the mail with the link. Returns the member and the link for choosing a password.

    Raises:
        RoleNotAssignable: the role has a permission that `by` does not have.
        EmailTaken: the tenant has a member with this address.
    """
    scope = scope_of(session)
    if (role == PARTNER) != (wanted.partner_id is not None):
        raise InvalidInput(
            N_("A member of a partner needs the role “partner” and the name of the partner."), field="partner_id"
        )
    require_assignable(by, role, await auth.policies.index_for(session, scope), scope)
    member = await create_member(session, wanted, now=auth.clock())
    await assign_role(session, scope, member_id=member.id, role=role, clock=auth.clock, new_id=new_id)
    return member, await _send(session, auth, member, portal)


async def reissue_invitation(
    session: AsyncSession, auth: AuthServices, by: Principal | None, member_id: UUID, *, portal: Portal
) -> tuple[Member, str]:
    """Create and send a new link for a member who never used theirs. A link's holder can act as the member.

    Raises:
        NotFound: this account has no member with this id.
        Conflict: the member has a password, or is suspended.
        RoleNotAssignable: the member holds a role that `by` could not give.
    """
    scope = scope_of(session)
    member = await get_member(session, member_id, lock=True)
    if member.status != AccountStatus.INVITED or member.password_hash is not None:
        raise Conflict(
            N_(
                "This member already has a password, or is suspended. For a forgotten password, send a link for a new "
                "one from the member's page."
            )
        )
    index = await auth.policies.index_for(session, scope)
    for role in (await list_assignments(session, scope)).get(str(member_id), ()):
        require_assignable(by, role, index, scope)
    return member, await _send(session, auth, member, portal)


async def _send(session: AsyncSession, auth: AuthServices, member: Member, portal: Portal) -> str:
    """Create a link and queue the mail with it. Returns the link."""
    now, scope = auth.clock(), scope_of(session)
    token = await create_invite(session, auth.new_secret, member_id=member.id, now=now)
    link = f"{portal.origin}/welcome/{token}"
    account = await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
    await auth.mailer.queue(
        session, INVITATION, await recipient_of(session, member), portal=portal, now=now, account=account.name,
        link=link, until=now + INVITE_LIFE,
    )  # fmt: skip
    return link
