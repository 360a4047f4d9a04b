"""Audited actions of several slices; those of one slice are in its own `audit_actions.py`."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class ExceptionAction(AuditAction, kind=AuditKind.EXCEPTIONS):
    EXCEPTION_OPENED = "exception.opened", N_("Exception opened")
    EXCEPTION_CORRECTED = "exception.corrected", N_("Exception resolved automatically")
    EXCEPTION_RESOLVED = "exception.resolved", N_("Exception resolved")
    EXCEPTION_DISCARDED = "exception.discarded", N_("Exception discarded")
    EXCEPTION_REPLAYED = "exception.replayed", N_("Exception replayed")
    EXCEPTION_ESCALATED = "exception.escalated", N_("Exception escalated")


class GovernanceAction(AuditAction, kind=AuditKind.DECISIONS):
    BASELINE_STARTED = "baseline.started", N_("Baseline started")
    BASELINE_ACCEPTED = "baseline.accepted", N_("Baseline accepted")
    BASELINE_DISCARDED = "baseline.discarded", N_("Baseline discarded")
    BASELINE_SKIPPED = "baseline.skipped", N_("Baseline skipped")
    REFERENCE_UPDATED = "reference.updated", N_("Reference value updated")
    CHANGE_AWAITING_APPROVAL = "change.awaiting_approval", N_("Change needs approval")
    CHANGE_RELEASED = "change.released", N_("Change released")
    CHANGE_REFUSED = "change.refused", N_("Change refused by policy")
    CHANGE_SUPERSEDED = "change.superseded", N_("Change superseded")
    CHANGE_DECLINED = "change.declined", N_("Change declined")
    CHANGE_EXPIRED = "change.expired", N_("Change expired")
    ELEMENT_CREATED = "element.created", N_("Element created")
    ELEMENT_RETIRED = "element.retired", N_("Element retired")
    CONTRACT_PUBLISHED = "contract.published", N_("Contract published")
    CONTRACT_DOMAIN_OWNER_SET = "contract.domain_owner_set", N_("Owner of a data domain set")
    CONTRACT_REMOVED = "contract.removed", N_("Contract removed")
