"""Kinds of notifications whose causes are in this room."""

from typing import Final

from foundation.marks import N_
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from tenants.permissions import TenantPermission

ACCESS_REQUESTED: Final = NotificationKind(
    code="access.requested",
    label=N_("A member of the service provider asks for access"),
    text=N_("{member} asks for access: {reason}"),
    many=N_("{number} requests for access were sent"),
    severity=NoticeSeverity.WARNING,
    permission=TenantPermission.DECIDE_ACCESS,
    path="/access",
    staff=False,
)
ACCESS_USED: Final = NotificationKind(
    code="access.used",
    label=N_("Granted access was used"),
    text=N_("{member} used the access that was granted"),
    many=N_("Granted access was used {number} times"),
    severity=NoticeSeverity.INFO,
    permission=TenantPermission.DECIDE_ACCESS,
    path="/access",
    staff=False,
)
ACCESS_ANSWERED: Final = NotificationKind(
    code="access.answered",
    label=N_("A client answered a request for access"),
    text=N_("A client answered your request for access"),
    many=N_("Clients answered {number} of your requests for access"),
    severity=NoticeSeverity.INFO,
    permission=TenantPermission.REQUEST_ACCESS,
    path="/access/request",
)
IMPERSONATED: Final = NotificationKind(
    code="member.impersonated",
    label=N_("A member of the service provider views the pages as a member"),
    text=N_("{by} views the pages as {member}: {reason}"),
    many=N_("The service provider viewed the pages as this member {number} times"),
    severity=NoticeSeverity.WARNING,
    permission=TenantPermission.DECIDE_ACCESS,
    path="/members",
    staff=False,
)
