"""Audited actions of this slice; the publication itself is `policy.published`."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class PolicyDraftAction(AuditAction, kind=AuditKind.DECISIONS):
    DRAFT_EDITED = "policy_draft.edited", N_("Policy draft edited")
    DRAFT_DISCARDED = "policy_draft.discarded", N_("Policy draft discarded")
    DRAFT_PUBLISHED = "policy_draft.published", N_("Policy draft published")
    DRAFT_SCHEDULED = "policy_draft.scheduled", N_("Policy publication scheduled")
    SCHEDULE_WITHDRAWN = "policy_draft.withdrawn", N_("Scheduled policy withdrawn")
    SCHEDULE_FAILED = "policy_draft.failed", N_("Scheduled policy not published")
    REPLAY_STARTED = "policy_replay.started", N_("Policy replay started")
