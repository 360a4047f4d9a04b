"""Relations that this room publishes: SQL that rooms above read instead of its tables, in the same plan."""

from typing import Final

APPROVALS: Final = """(SELECT tenant_id, msp_id, id, subject_kind, subject_id, content_hash, policy_version,
    requested_by, author, approvers, votes, state, decided_by, decided_at, reason, cause, expires_at, due_at, overdue,
    used_at, created_at, wait_id, waiting_since, severity, impact_amount, impact_currency FROM approval)"""
"""A subject's consecutive approvals without an answer have the same `wait_id`, and the first request's time as
`waiting_since`.
"""
POLICY_RULES: Final = "(SELECT tenant_id, msp_id, ptype, sub, obj, act, effect FROM policy_rule)"
POLICY_VERSIONS: Final = "(SELECT tenant_id, msp_id, version, created_at FROM policy_version)"
REPLACED_RULES: Final = "(SELECT tenant_id, msp_id, id, ptype, overrides FROM policy_rule)"
"""`overrides` is the MSP's rule that a client's rule replaces or, if it is of RuleKind.OMITTED, omits; else NULL."""
