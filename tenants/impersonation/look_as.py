"""The principal of a session that impersonates, found again for each request."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from policy.cache import PolicyCache
from tenants.accounts import get_client
from tenants.auth.identity import load_principal
from tenants.auth.impersonation import EndCause, Impersonation, ImpersonationEnded
from tenants.delegated_access.admission import admits_always, find_grant, lend_rights
from tenants.permissions import TenantPermission
from tenants.principal import Principal


def require_still_allowed(staff: Principal, acting: Impersonation, now: datetime) -> None:
    """Check the time, and the rights of the staff's member at home.

    Raises:
        ImpersonationEnded: the time is over, or the staff's member may not do this any more.
    """
    if acting.until <= now:
        raise ImpersonationEnded(acting.member_name, EndCause.TIME)
    if not staff.may(TenantPermission.IMPERSONATE):
        raise ImpersonationEnded(acting.member_name, EndCause.PERMISSION)


async def look_as(
    session: AsyncSession, policies: PolicyCache, staff: Principal, acting: Impersonation, *, now: datetime
) -> Principal:
    """The member looked at, with current rights, read-only, in the language of the staff's member. Runs in the client's
    scope.

    Raises:
        ImpersonationEnded: the client does not admit the staff's member, or the member or the client is suspended.
    """
    client = await get_client(session)
    if not admits_always(staff, client):
        grant = await find_grant(session, staff, now=now)
        if grant is None:
            raise ImpersonationEnded(acting.member_name, EndCause.ACCESS)
        staff = await lend_rights(session, policies, staff, grant)
    member = await load_principal(session, policies, acting.member_id)
    if member is None:
        raise ImpersonationEnded(acting.member_name, EndCause.SUSPENDED)
    return replace(member, impersonator=staff, language=staff.language)
