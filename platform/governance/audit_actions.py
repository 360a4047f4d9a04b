"""Audited actions of this room."""

from foundation.audit.actions import AuditAction
from foundation.marks import N_


class GovernanceAction(AuditAction):
    BASELINE_STARTED = "baseline.started", N_("Baseline started")
    BASELINE_ACCEPTED = "baseline.accepted", N_("Baseline accepted")
    BASELINE_DISCARDED = "baseline.discarded", N_("Baseline discarded")
    REFERENCE_UPDATED = "reference.updated", N_("Reference value updated")
    CHANGE_AWAITING_APPROVAL = "change.awaiting_approval", N_("Change needs approval")
    CHANGE_RELEASED = "change.released", N_("Change released")
    CHANGE_REFUSED = "change.refused", N_("Change refused by policy")
    CHANGE_SUPERSEDED = "change.superseded", N_("Change superseded")
    CHANGE_DECLINED = "change.declined", N_("Change declined")
    CHANGE_EXPIRED = "change.expired", N_("Change expired")
    ELEMENT_CREATED = "element.created", N_("Element created")
    HELD_VALUE_DISCARDED = "held_value.discarded", N_("Held values discarded")
    CONTRACT_PUBLISHED = "contract.published", N_("Contract published")
    CONTRACT_REMOVED = "contract.removed", N_("Contract removed")
    EXCEPTION_OPENED = "exception.opened", N_("Exception opened")
    EXCEPTION_CORRECTED = "exception.corrected", N_("Exception resolved automatically")
    EXCEPTION_RESOLVED = "exception.resolved", N_("Exception resolved")
    EXCEPTION_DISCARDED = "exception.discarded", N_("Exception discarded")
    EXCEPTION_REPLAYED = "exception.replayed", N_("Exception replayed")
    EXCEPTION_ESCALATED = "exception.escalated", N_("Exception escalated")
    PROPAGATION_VERIFIED = "propagation.verified", N_("Visible on a channel")
    PROPAGATION_UNPROVEN = "propagation.unproven", N_("Superseded before read-back")
    RETENTION_POLICY_SET = "retention.policy_set", N_("Retention period set")
    RETENTION_DEFAULT_SET = "retention.default_set", N_("Default retention period set")
    RETENTION_HOLD_PLACED = "retention.hold_placed", N_("Legal hold placed")
    RETENTION_HOLD_RELEASED = "retention.hold_released", N_("Legal hold released")
    RETENTION_REMOVED = "retention.removed", N_("Expired data deleted")
