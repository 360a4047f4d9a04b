"""Kinds of notifications of this slice."""

from typing import Final

from foundation.marks import N_
from governance.playbooks.permissions import PlaybookPermission
from tenants.notifications.kinds import NoticeSeverity, NotificationKind

TASK_STUCK: Final = NotificationKind(
    code="project.task_stuck",
    label=N_("A task of an onboarding project is overdue or blocked"),
    text=N_("The task “{task}” of the onboarding project is overdue or blocked"),
    many=N_("{number} tasks of the onboarding project became overdue or blocked"),
    severity=NoticeSeverity.WARNING,
    permission=PlaybookPermission.WRITE_PROJECTS,
    path="/project",
)
GATE_PASSED: Final = NotificationKind(
    code="project.gate_passed",
    label=N_("A phase of an onboarding project is done"),
    text=N_("The phase “{phase}” of the onboarding project is done"),
    many=N_("{number} phases of the onboarding project are done"),
    severity=NoticeSeverity.INFO,
    permission=PlaybookPermission.READ_PROJECTS,
    path="/project",
)
