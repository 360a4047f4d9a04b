"""Permissions of governance, as named by the packaged roles in `policy`."""

from foundation.permissions import Permission


class GovernancePermission(Permission):
    READ_DASHBOARD = "dashboard:read", "Read the overview"
    READ_CHANGES = "change:read", "Read changes"
    PROPOSE_CHANGE = "change:propose", "Propose values"
    ROLL_BACK_CHANGE = "change:rollback", "Roll changes back"
    READ_PROPAGATIONS = "propagation:read", "Read deliveries to channels"
    READ_APPROVALS = "approval:read", "Read approvals"
    READ_EXCEPTIONS = "exception:read", "Read exceptions"
    RESOLVE_EXCEPTION = "exception:resolve", "Resolve and discard exceptions"
    READ_DEAD_LETTERS = "dead_letter:read", "Read dead letters"
    REPLAY_DEAD_LETTER = "dead_letter:replay", "Replay dead letters"
    DISCARD_DEAD_LETTER = "dead_letter:discard", "Discard dead letters"
    READ_SOURCE_EVENTS = "source_event:read", "Read source messages"
    READ_CONNECTIONS = "connection:read", "Read connections"
    WRITE_CONNECTIONS = "connection:write", "Pause and resume connections"
    READ_CONTRACTS = "contract:read", "Read element contracts"
    READ_BASELINE = "baseline:read", "Read baselines"
    START_BASELINE = "baseline:start", "Start baselines"
    ACCEPT_BASELINE = "baseline:accept", "Accept baselines"
    READ_CHANNEL = "channel:read", "Read the own channel"
    READ_FLEET = "fleet:read", "See all clients"
    READ_AUDIT = "audit:read", "Read the audit trail"
    READ_RETENTION = "retention:read", "Read retention"
    WRITE_RETENTION = "retention:write", "Change retention and legal holds"
