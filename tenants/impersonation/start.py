"""The start of an impersonation."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.errors import Conflict, InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from foundation.reasons import clean_reason
from tenants.audit_actions import TenantAction
from tenants.auth.impersonation import MINUTES, Impersonation, OnlyInABrowser
from tenants.impersonation.end_job import schedule_end
from tenants.members.repository import get_member
from tenants.models import Client
from tenants.notifications.notify import notify
from tenants.notifications.own_kinds import IMPERSONATED
from tenants.permissions import TenantPermission
from tenants.principal import Principal
from tenants.states import AccountStatus


class NewImpersonation(msgspec.Struct, frozen=True):
    minutes: int
    reason: str


async def start_impersonation(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    by: Principal,
    client: Client,
    member_id: UUID,
    wanted: NewImpersonation,
    *,
    now: datetime,
    new_id: NewId,
) -> Impersonation:
    """Record that `by` begins to look as a member of the scope's client, and notify the client's administrators. The
    caller stores the result in the session after the commit, so that no page is shown without the record.

    Raises:
        OnlyInABrowser: the caller is an API key, or a member of the client.
        PermissionRefused: the caller's role at home does not allow it.
        InvalidInput: another duration, or no reason.
        NotFound: the client has no such member. Members of the MSP's account do not count.
        Conflict: the member is not active.
    """
    if by.kind != "member" or not by.is_staff:
        raise OnlyInABrowser
    by.require(TenantPermission.IMPERSONATE)
    if wanted.minutes not in MINUTES:
        raise InvalidInput(
            N_("Choose one of these durations, in minutes: {known}."),
            params={"known": ", ".join(map(str, MINUTES))}, field="minutes",
        )  # fmt: skip
    reason = clean_reason(wanted.reason)
    member = await get_member(session, member_id)
    if member.status != AccountStatus.ACTIVE:
        raise Conflict(N_("You can view the pages only as a member who is active."))
    until = now + timedelta(minutes=wanted.minutes)
    until = until if by.granted_until is None else min(until, by.granted_until)
    acting = Impersonation(
        id=new_id(), tenant_id=client.tenant_id, client=client.slug, member_id=member.id, member_name=member.name,
        by_id=by.id, by_name=by.name, until=until, since=now, reason=reason,
    )  # fmt: skip
    data = {"by": by.name, "member": member.name, "reason": reason, "until": until.isoformat()}
    append_audit(session, action=TenantAction.IMPERSONATION_STARTED, subject=f"member:{member.id}", data=data, at=now)
    params = {"by": by.name, "member": member.name, "reason": reason}
    path = f"/members/{member.id}"
    schedule_end(session, acting, seconds=(until - now).total_seconds())
    notify(session, IMPERSONATED, topic=f"member:{member.id}", path=path, at=now, params=params)
    return acting
