"""Kinds of notifications whose causes are in this room."""

from typing import Final

from foundation.marks import N_
from governance.permissions import GovernancePermission
from policy.permissions import PolicyPermission
from tenants.notifications.kinds import NoticeSeverity, NotificationKind

APPROVAL_WAITING: Final = NotificationKind(
    code="approval.waiting",
    label=N_("A change needs approval"),
    text=N_("A value of {record} needs approval"),
    many=N_("{number} changes were sent for approval"),
    severity=NoticeSeverity.WARNING,
    permission=PolicyPermission.DECIDE_APPROVAL,
    path="/approvals",
)
APPROVAL_DECIDED: Final = NotificationKind(
    code="approval.decided",
    label=N_("A change that you proposed was approved or declined"),
    text=N_("A value of {record} that you proposed was answered"),
    many=N_("{number} changes that you proposed were answered"),
    severity=NoticeSeverity.INFO,
    permission=GovernancePermission.READ_CHANGES,
    path="/changes",
)
EXCEPTION_OPENED: Final = NotificationKind(
    code="exception.opened",
    label=N_("A severe exception was opened"),
    text=N_("A severe exception was opened"),
    many=N_("{number} severe exceptions were opened"),
    severity=NoticeSeverity.CRITICAL,
    permission=GovernancePermission.RESOLVE_EXCEPTION,
    path="/exceptions",
)
APPROVAL_ESCALATED: Final = NotificationKind(
    code="approval.escalated",
    label=N_("An approval that waits too long is escalated to you"),
    text=N_("An approval waits too long"),
    many=N_("{number} approvals waited too long"),
    severity=NoticeSeverity.CRITICAL,
    permission=GovernancePermission.READ_APPROVALS,
    path="/approvals",
)
EXCEPTION_ESCALATED: Final = NotificationKind(
    code="exception.escalated",
    label=N_("An exception that is open too long is escalated to you"),
    text=N_("An exception is open too long"),
    many=N_("{number} exceptions were open too long"),
    severity=NoticeSeverity.CRITICAL,
    permission=GovernancePermission.READ_EXCEPTIONS,
    path="/exceptions",
)
CONNECTION_FAILING: Final = NotificationKind(
    code="connection.not_working",
    label=N_("A connection fails or is paused"),
    text=N_("A connection fails or is paused"),
    many=N_("{number} times a connection failed or was paused"),
    severity=NoticeSeverity.CRITICAL,
    permission=GovernancePermission.READ_CONNECTIONS,
    path="/connections",
)
POLICY_NOT_PUBLISHED: Final = NotificationKind(
    code="policy.not_published",
    label=N_("A scheduled policy could not be published"),
    text=N_("A scheduled policy could not be published"),
    many=N_("{number} scheduled policies could not be published"),
    severity=NoticeSeverity.CRITICAL,
    permission=PolicyPermission.PUBLISH_POLICY,
    path="/policy/versions",
)
POLICY_DRAFTED: Final = NotificationKind(
    code="policy.drafted",
    label=N_("A draft of the policy waits for publication"),
    text=N_("A draft of the policy waits for publication"),
    many=N_("{number} drafts of the policy were opened"),
    severity=NoticeSeverity.INFO,
    permission=PolicyPermission.PUBLISH_POLICY,
    path="/policy/draft",
)
