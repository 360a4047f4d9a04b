"""Bodies of the API of impersonation."""

from datetime import datetime
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from tenants.auth.impersonation import Impersonation


class ImpersonationToStart(RequestBody, frozen=True):
    """`minutes` is 15, 30 or 60."""

    minutes: int
    reason: str


class ImpersonationView(msgspec.Struct, frozen=True):
    """An impersonation that has begun. It ends before the requested time if the access to the client ends."""

    member_id: UUID
    member: str
    until: datetime


def impersonation_view(acting: Impersonation) -> ImpersonationView:
    return ImpersonationView(acting.member_id, acting.member_name, acting.until)
