"""Kinds of notifications of this slice."""

from typing import Final

from foundation.marks import N_
from governance.playbooks.permissions import PlaybookPermission
from tenants.notifications.kinds import NoticeSeverity, NotificationKind

GATE_PASSED: Final = NotificationKind(
    code="project.gate_passed",
    label=N_("A phase of an onboarding project is done"),
    text=N_("The phase “{phase}” of the onboarding project is done"),
    many=N_("{number} phases of the onboarding project are done"),
    severity=NoticeSeverity.INFO,
    permission=PlaybookPermission.READ_PROJECTS,
    path="/project",
)
