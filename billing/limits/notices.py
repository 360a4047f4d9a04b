"""The notification about limits."""

from typing import Final

from billing.permissions import BillingPermission
from foundation.marks import N_
from tenants.notifications.kinds import NoticeSeverity, NotificationKind

LIMIT_NEAR: Final = NotificationKind(
    code="limit.near",
    label=N_("A limit of usage or spending is nearly reached"),
    text=N_("{percent}% of a limit of this month is used"),
    many=N_("{number} limits of this month are nearly reached"),
    severity=NoticeSeverity.WARNING,
    permission=BillingPermission.READ_USAGE,
    path="/limits",
)
