"""Kinds of notifications whose causes are in this room."""

from typing import Final

from foundation.marks import N_
from governance.permissions import GovernancePermission
from policy.permissions import PolicyPermission
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from webhooks.permissions import WebhookPermission

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
PROPOSAL_FAILED: Final = NotificationKind(
    code="proposal.not_proposed",
    label=N_("A value that you scheduled could not be proposed"),
    text=N_("A scheduled value of {record} could not be proposed"),
    many=N_("{number} scheduled values could not be proposed"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.READ_CHANGES,
    path="/proposals",
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
APPROVAL_ASSIGNED: Final = NotificationKind(
    code="approval.assigned",
    label=N_("An approval was assigned to you"),
    text=N_("An approval was assigned to you"),
    many=N_("{number} approvals were assigned to you"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.READ_APPROVALS,
    path="/approvals?assigned=me",
)
EXCEPTION_ASSIGNED: Final = NotificationKind(
    code="exception.assigned",
    label=N_("An exception was assigned to you"),
    text=N_("An exception was assigned to you"),
    many=N_("{number} exceptions were assigned to you"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.READ_EXCEPTIONS,
    path="/exceptions?assigned=me",
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
CREDENTIALS_EXPIRE: Final = NotificationKind(
    code="credentials.expire",
    label=N_("Credentials of a connection expire soon"),
    text=N_("Credentials of {connection} expire soon"),
    many=N_("{number} reminders that credentials expire"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.CONFIGURE_CONNECTIONS,
    path="/connections",
)
CREDENTIALS_RENEWED: Final = NotificationKind(
    code="credentials.renewed",
    label=N_("Credentials of a connection were renewed by a link"),
    text=N_("Credentials of {connection} were renewed by a link"),
    many=N_("Credentials were renewed by a link {number} times"),
    severity=NoticeSeverity.INFO,
    permission=GovernancePermission.CONFIGURE_CONNECTIONS,
    path="/connections",
)
BASELINE_READY: Final = NotificationKind(
    code="baseline.ready",
    label=N_("A baseline is ready to be accepted"),
    text=N_("A baseline is ready to be accepted"),
    many=N_("{number} baselines became ready to be accepted"),
    severity=NoticeSeverity.INFO,
    permission=GovernancePermission.ACCEPT_BASELINE,
    path="/baselines",
)
CHANNEL_UPDATED: Final = NotificationKind(
    code="channel.updated",
    label=N_("New values are visible on your channel"),
    text=N_("A new value of {record} is visible on your channel"),
    many=N_("{number} new values are visible on your channel"),
    severity=NoticeSeverity.INFO,
    permission=GovernancePermission.READ_CHANNEL,
    path="/channel",
    staff=False,
    partner=True,
)
CHANNEL_LATE: Final = NotificationKind(
    code="channel.late",
    label=N_("A value for your channel is late"),
    text=N_("A value of {record} for your channel is late"),
    many=N_("{number} values for your channel were late"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.READ_CHANNEL,
    path="/channel",
    staff=False,
    partner=True,
)
CHANNEL_NOT_ACCEPTED: Final = NotificationKind(
    code="channel.not_accepted",
    label=N_("Your channel did not accept a value"),
    text=N_("Your channel did not accept a value of {record}"),
    many=N_("Your channel did not accept {number} values"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.READ_CHANNEL,
    path="/channel",
    staff=False,
    partner=True,
)
CHANNEL_DIFFERS: Final = NotificationKind(
    code="channel.differs",
    label=N_("Your channel shows another value than the approved one"),
    text=N_("Your channel shows another value of {record} than the approved one"),
    many=N_("{number} values on your channel were other than the approved ones"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.READ_CHANNEL,
    path="/channel/values",
    staff=False,
    partner=True,
)
WEBHOOK_PAUSED: Final = NotificationKind(
    code="webhook.not_delivering",
    label=N_("A webhook was paused because its deliveries failed"),
    text=N_("A webhook was paused because its deliveries failed"),
    many=N_("{number} times a webhook was paused because its deliveries failed"),
    severity=NoticeSeverity.CRITICAL,
    permission=WebhookPermission.WRITE,
    path="/webhooks",
)
JOBS_FAILED: Final = NotificationKind(
    code="dead_letter.opened",
    label=N_("A job failed for good"),
    text=N_("A job failed for good and waits to be replayed or discarded"),
    many=N_("{number} jobs failed for good and waited to be replayed or discarded"),
    severity=NoticeSeverity.WARNING,
    permission=GovernancePermission.REPLAY_DEAD_LETTER,
    path="/dead-letters",
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
