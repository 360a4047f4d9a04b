"""Bodies of the API of delegated access."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from tenants.models import AccessGrant
from tenants.states import AccessState


class AccessToRequest(RequestBody, frozen=True):
    """`role` is one of the client's roles; `hours`, 1 to 720, count from the answer."""

    role: str
    reason: str
    hours: int


class AccessAnswer(RequestBody, frozen=True):
    grant: bool


class AccessSetting(RequestBody, frozen=True):
    """`standing`: the MSP's staff enter the client with the roles of their own account; `on_request`: for a time that a
    member of the client approved.
    """

    staff_access: Literal["standing", "on_request"]


class AccessView(msgspec.Struct, frozen=True):
    """A request for access. `state` is requested, granted, refused, withdrawn or revoked; `active`: access is granted
    and has not ended.
    """

    id: UUID
    member_id: UUID
    member: str
    role: str
    reason: str
    hours: int
    state: str
    active: bool
    requested_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    ends_at: datetime | None
    used_at: datetime | None
    ended_at: datetime | None
    ended_by: str | None

    @property
    def until(self) -> datetime | None:
        """Time at which the access ended or will end."""
        return self.ended_at or self.ends_at

    @property
    def lasted(self) -> timedelta:
        return timedelta(hours=self.hours)


def access_view(grant: AccessGrant, now: datetime) -> AccessView:
    active = grant.state == AccessState.GRANTED and grant.ends_at is not None and grant.ends_at > now
    return AccessView(
        id=grant.id, member_id=grant.member_id, member=grant.member_name, role=grant.role, reason=grant.reason,
        hours=grant.hours, state=grant.state, active=active, requested_at=grant.requested_at,
        decided_at=grant.decided_at,
        decided_by=grant.decided_by_name, ends_at=grant.ends_at, used_at=grant.used_at, ended_at=grant.ended_at,
        ended_by=grant.ended_by_name,
    )  # fmt: skip
