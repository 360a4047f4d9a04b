"""Notification of members whose account nears a limit of its plan."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.permissions import BillingPermission
from foundation.entitlements.features import Features
from foundation.entitlements.warnings import take_near_limits
from foundation.marks import N_, Phrase
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from tenants.notifications.notify import notify

_PAGE: Final = "/plan"
LIMIT_NEAR: Final = NotificationKind(
    code="entitlement.near",
    label=N_("A limit of the plan is nearly reached"),
    text=N_("{feature}: {used} in use, and the plan allows {limit}"),
    many=N_("{number} times a limit of the plan was nearly reached"),
    severity=NoticeSeverity.WARNING,
    permission=BillingPermission.READ_USAGE,
    path=_PAGE,
)


async def notice_entitlements(session: AsyncSession, features: Features, now: datetime) -> None:
    """Notify once of each feature whose use nears its limit. In the client's scope."""
    for near in await take_near_limits(session, features, now):
        params = {"feature": Phrase(near.feature.label), "used": near.used, "limit": near.limit}
        notify(session, LIMIT_NEAR, topic=near.feature.code, path=_PAGE, at=now, params=params)
