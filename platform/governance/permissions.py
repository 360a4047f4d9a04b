"""Permissions of governance, as named by the packaged roles in `policy`."""

from foundation.marks import N_
from foundation.permissions import Permission


class GovernancePermission(Permission, heading=N_("Prices, stock and connections")):
    READ_DASHBOARD = "dashboard:read", N_("Read the overview")
    READ_CHANGES = "change:read", N_("Read changes")
    PROPOSE_CHANGE = "change:propose", N_("Propose values")
    ROLL_BACK_CHANGE = "change:rollback", N_("Roll changes back")
    READ_PROPAGATIONS = "propagation:read", N_("Read deliveries to channels")
    READ_APPROVALS = "approval:read", N_("Read approvals")
    READ_EXCEPTIONS = "exception:read", N_("Read exceptions")
    RESOLVE_EXCEPTION = "exception:resolve", N_("Resolve and discard exceptions")
    READ_DEAD_LETTERS = "dead_letter:read", N_("Read failed jobs")
    REPLAY_DEAD_LETTER = "dead_letter:replay", N_("Replay failed jobs")
    DISCARD_DEAD_LETTER = "dead_letter:discard", N_("Discard failed jobs")
    READ_SOURCE_EVENTS = "source_event:read", N_("Read source messages")
    READ_CONNECTIONS = "connection:read", N_("Read connections")
    WRITE_CONNECTIONS = "connection:write", N_("Pause and resume connections")
    CONFIGURE_CONNECTIONS = "connection:configure", N_("Add, change and delete connections")
    READ_CONTRACTS = "contract:read", N_("Read element contracts")
    PUBLISH_CONTRACTS = "contract:publish", N_("Publish and remove element contracts")
    READ_ELEMENTS = "element:read", N_("Read elements")
    CREATE_ELEMENT = "element:create", N_("Declare and retire elements")
    READ_BASELINE = "baseline:read", N_("Read baselines")
    START_BASELINE = "baseline:start", N_("Start baselines")
    ACCEPT_BASELINE = "baseline:accept", N_("Accept baselines")
    READ_CHANNEL = "channel:read", N_("Read its own channel")
    READ_FLEET = "fleet:read", N_("See all clients")
    READ_AUDIT = "audit:read", N_("Read the audit trail")
    READ_RETENTION = "retention:read", N_("Read retention")
    WRITE_RETENTION = "retention:write", N_("Change retention and legal holds")
