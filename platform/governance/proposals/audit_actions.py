"""Audited actions of this slice; policy decisions are audited with the change."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class ProposalAction(AuditAction, kind=AuditKind.DECISIONS):
    PROPOSAL_SCHEDULED = "proposal.scheduled", N_("Proposal scheduled")
    PROPOSAL_CANCELLED = "proposal.cancelled", N_("Scheduled proposal cancelled")
    PROPOSAL_DUE = "proposal.proposed", N_("Scheduled value proposed")
    PROPOSAL_FAILED = "proposal.not_proposed", N_("Scheduled value not proposed")
