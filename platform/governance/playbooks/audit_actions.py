"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class PlaybookAction(AuditAction, kind=AuditKind.SETTINGS):
    PLAYBOOK_SAVED = "playbook.saved", N_("Playbook saved")
    PROJECT_STARTED = "project.started", N_("Onboarding project started")
    PROJECT_SPONSORS_SET = "project.sponsors_set", N_("Sponsors of an onboarding project set")
    PROJECT_OBJECTIVE_SET = "project.objective_set", N_("Objective of an onboarding project set")
    GATE_PASSED = "project.gate_passed", N_("Phase of an onboarding project done")
    TASK_CHANGED = "project.task_changed", N_("Task of an onboarding project changed")
    TASK_WAIVED = "project.task_waived", N_("Fact of an onboarding project's task waived")
    TASK_WAIVER_WITHDRAWN = "project.task_waiver_withdrawn", N_("Waiver of a task's fact withdrawn")
    EVIDENCE_ADDED = "project.evidence_added", N_("Evidence added to a task")
