"""Request and response bodies of the API of trading partners."""

from datetime import datetime
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from tenants.states import PartnerKind, PartnerStatus


class PartnerInput(RequestBody, frozen=True):
    name: str
    kind: PartnerKind = PartnerKind.RESELLER


class PartnerView(msgspec.Struct, frozen=True):
    """`members` counts the partner's own members. Those of a suspended partner are refused."""

    id: UUID
    name: str
    kind: PartnerKind
    status: PartnerStatus
    members: int
    created_at: datetime
