"""This room's permissions, as the packaged roles in `policy` name them."""

from enum import StrEnum


class GovernancePermission(StrEnum):
    READ_DASHBOARD = "dashboard:read"
    READ_CHANGES = "change:read"
    PROPOSE_CHANGE = "change:propose"
    ROLL_BACK_CHANGE = "change:rollback"
    READ_PROPAGATIONS = "propagation:read"
    READ_APPROVALS = "approval:read"
    DECIDE_APPROVAL = "approval:decide"
    READ_EXCEPTIONS = "exception:read"
    RESOLVE_EXCEPTION = "exception:resolve"
    READ_DEAD_LETTERS = "dead_letter:read"
    REPLAY_DEAD_LETTER = "dead_letter:replay"
    DISCARD_DEAD_LETTER = "dead_letter:discard"
    READ_SOURCE_EVENTS = "source_event:read"
    READ_CONNECTIONS = "connection:read"
    WRITE_CONNECTIONS = "connection:write"
    READ_CONTRACTS = "contract:read"
    READ_BASELINE = "baseline:read"
    START_BASELINE = "baseline:start"
    ACCEPT_BASELINE = "baseline:accept"
    READ_CHANNEL = "channel:read"
    READ_FLEET = "fleet:read"
    READ_AUDIT = "audit:read"
