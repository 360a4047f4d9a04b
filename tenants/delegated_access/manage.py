"""Requests for access to a client, their answers and end, and the setting whether a request is needed."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_, Phrase
from foundation.reasons import clean_reason
from policy.index import PolicyIndex
from policy.packaged import CLIENT_ROLES
from tenants.accounts import get_client
from tenants.delegated_access.audit_actions import AccessAction
from tenants.delegated_access.errors import OnlyTheClient
from tenants.models import AccessGrant, Client
from tenants.notifications.notify import notify
from tenants.notifications.own_kinds import ACCESS_ANSWERED, ACCESS_REQUESTED
from tenants.principal import Principal
from tenants.states import ACCESS, AccessState, StaffAccess

MOST_HOURS: Final = 24 * 30
HOURS: Final = (1, 4, 8, 24, 72, 168, MOST_HOURS)
"""Durations that the page offers."""
_NOT_GRANTABLE: Final = frozenset({"partner", "machine"})


class NewAccessRequest(msgspec.Struct, frozen=True):
    """A request of a member of the staff. `role` is one of the client's, `hours` counts from the answer."""

    role: str
    reason: str
    hours: int


def grantable_roles(index: PolicyIndex) -> list[str]:
    """Roles that a client can grant. `index` is the client's policy."""
    return [*sorted(CLIENT_ROLES - _NOT_GRANTABLE), *sorted(index.role_names, key=index.role_names.__getitem__)]


async def request_access(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, by: Principal, wanted: NewAccessRequest, *, index: PolicyIndex, now: datetime, new_id: NewId
) -> AccessGrant:
    """Request access to the scope's client.

    Raises:
        Forbidden: the caller is not a member of the MSP's staff.
        InvalidInput: an unknown role, no reason, or a duration outside 1 hour to 30 days.
        Conflict: the caller's earlier request is still pending, or their access has not ended.
    """
    scope = scope_of(session)
    if not by.is_staff or by.kind != "member":
        raise Forbidden(N_("Only members of the MSP's staff ask a client for access."))
    if wanted.role not in grantable_roles(index):
        raise InvalidInput(N_("This client cannot grant this role."), field="role")
    if not 1 <= wanted.hours <= MOST_HOURS:
        raise InvalidInput(N_("Access lasts 1 to {most} hours."), params={"most": MOST_HOURS}, field="hours")
    reason = clean_reason(wanted.reason)
    own = (AccessGrant.tenant_id == scope.tenant_id, AccessGrant.member_id == by.id)
    waiting = AccessGrant.state == AccessState.REQUESTED
    running = (AccessGrant.state == AccessState.GRANTED) & (AccessGrant.ends_at > now)
    await get_client(session)
    if await session.scalar(select(AccessGrant.id).where(*own, waiting | running)) is not None:
        raise Conflict(N_("Your earlier request is still waiting, or your access has not ended yet."))
    grant = AccessGrant(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=new_id(), member_id=by.id, member_name=by.name,
        role=wanted.role, reason=reason, hours=wanted.hours, requested_at=now,
        state=ACCESS.start(AccessState.REQUESTED),
    )  # fmt: skip
    session.add(grant)
    _audit(session, AccessAction.ACCESS_REQUESTED, grant, now, role=wanted.role, reason=reason, hours=wanted.hours)
    await session.flush()
    params = {"member": by.name, "reason": reason}
    notify(session, ACCESS_REQUESTED, topic="access", path="/access", at=now, params=params)
    return grant


async def answer_access(
    session: AsyncSession, by: Principal | None, grant_id: UUID, *, grant: bool, now: datetime
) -> AccessGrant:
    """Grant or refuse a request. Access begins now and ends after the requested hours. `by` is None for the
    operator.

    Raises:
        OnlyTheClient: the caller belongs to the MSP, or is a program.
        NotFound: this client has no such request.
        Conflict: the request is answered or withdrawn already.
    """
    _require_client(by)
    found = await _lock(session, grant_id, AccessState.REQUESTED)
    state = AccessState.GRANTED if grant else AccessState.REFUSED
    found.state = ACCESS.move(AccessState.of(found.state), state)
    found.decided_at, found.decided_by_name = now, scope_of(session).actor.name
    found.ends_at = now + timedelta(hours=found.hours) if grant else None
    action = AccessAction.ACCESS_GRANTED if grant else AccessAction.ACCESS_REFUSED
    _audit(session, action, found, now, member=found.member_name, role=found.role, hours=found.hours)
    to = [found.member_id]
    notify(session, ACCESS_ANSWERED, topic=str(found.id), path="/access/request", at=now, members=to)
    await session.flush()
    return found


async def end_access(session: AsyncSession, by: Principal | None, grant_id: UUID, *, now: datetime) -> AccessGrant:
    """Revoke granted access at once, or withdraw a request. The client's members revoke anyone's, a member of the staff
    their own.

    Raises:
        NotFound: this client has no such access.
        OnlyTheClient: the access is somebody else's.
        Conflict: the access has ended already.
    """
    known = await _get(session, grant_id)
    own = by is not None and by.id == known.member_id
    if not own:
        _require_client(by)
    waiting = known.state == AccessState.REQUESTED and own
    found = await _lock(session, grant_id, AccessState.REQUESTED if waiting else AccessState.GRANTED)
    if not waiting and found.ends_at is not None and found.ends_at <= now:
        raise Conflict(N_("This access has ended already."))
    found.state = ACCESS.move(AccessState.of(found.state), AccessState.WITHDRAWN if waiting else AccessState.REVOKED)
    found.ended_at, found.ended_by_name = now, scope_of(session).actor.name
    action = AccessAction.ACCESS_WITHDRAWN if waiting else AccessAction.ACCESS_REVOKED
    _audit(session, action, found, now, member=found.member_name, role=found.role)
    await session.flush()
    return found


async def set_staff_access(session: AsyncSession, by: Principal | None, setting: StaffAccess, *, now: datetime) -> None:
    """Set whether the MSP's staff enter the scope's client always or on request only. Effective at once.

    Raises:
        OnlyTheClient: see `answer_access`.
        NotFound: the scope is the MSP's own account.
    """
    _require_client(by)
    client = await get_client(session)
    if client.staff_access == setting:
        return
    own = Client.tenant_id == scope_of(session).tenant_id
    await session.execute(update(Client).where(own).values(staff_access=setting))
    append_audit(
        session,
        action=AccessAction.ACCESS_SETTING_CHANGED,
        subject=f"client:{client.tenant_id}",
        data={"before": client.staff_access, "after": str(setting)},
        at=now,
    )


def _require_client(by: Principal | None) -> None:
    if by is not None and (by.is_staff or by.kind != "member"):
        raise OnlyTheClient


async def _get(session: AsyncSession, grant_id: UUID, *, lock: bool = False) -> AccessGrant:
    own = (AccessGrant.tenant_id == scope_of(session).tenant_id, AccessGrant.id == grant_id)
    statement = select(AccessGrant).where(*own).execution_options(populate_existing=True)
    found = await session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound
    return found


async def _lock(session: AsyncSession, grant_id: UUID, state: AccessState) -> AccessGrant:
    found = await _get(session, grant_id, lock=True)
    if found.state != state:
        raise Conflict(
            N_("The state of this request is “{state}” now. Reload the page."),
            params={"state": Phrase(AccessState.of(found.state).label)},
        )
    return found


def _audit(session: AsyncSession, action: AccessAction, grant: AccessGrant, now: datetime, **data: object) -> None:
    append_audit(session, action=action, subject=f"access:{grant.id}", data=data, at=now)
