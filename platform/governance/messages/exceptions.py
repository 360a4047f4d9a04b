"""Messages of exceptions. Sentences about one value begin with its element and key."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

SOURCE_STALE: Final = MessageType(
    "source.stale",
    N_(
        "{element} of {record_key} came as {value} with version {version}, which is not above the known one. It was "
        "not taken over. Replay it to take it over and to count from its version."
    ),
    N_("A newer value came with an older version"),
)
SOURCE_CLOCK_AHEAD: Final = MessageType(
    "source.clock_ahead",
    N_(
        "{element} of {record_key} is dated {dated_at}, and was read at {read_at}. Its value was taken, counted from "
        "when it was read. Check the source's clock and the record's date."
    ),
    N_("A source dates its changes in the future"),
)
SOURCE_ID_CONFLICT: Final = MessageType(
    "source.id_conflict",
    N_(
        "Another message with the same ID has other content. Both are kept; only the first was processed. Replay this "
        "one if it is the right one."
    ),
    N_("Duplicate message ID"),
)
_SAME_KEY: Final = N_("Two records of the source have the same key")
SOURCE_DUPLICATE_KEY: Final = MessageType(
    "source.duplicate_key",
    N_(
        "The source's records {records} have the key {record_key}, so nothing about it is taken over. Give each record "
        "its own key there. If the others are gone, replay this exception: the record that changed last is taken."
    ),
    _SAME_KEY,
)
SOURCE_DUPLICATE_KEYS: Final = MessageType(
    "source.duplicate_key.many",
    N_(
        "The source's records {records} and {count} more have the key {record_key}, so nothing about it is taken over. "
        "Give each record its own key there. If the others are gone, replay this exception: the record that changed "
        "last is taken."
    ),
    _SAME_KEY,
)
VALUE_QUARANTINED: Final = MessageType(
    "source.quarantined.value",
    N_(
        "{element} of {record_key} was not taken over: {reason} The message was kept as it came, and nothing was "
        "rounded. Correct it in the source of truth."
    ),
    N_("A value could not be read exactly"),
)
MESSAGE_QUARANTINED: Final = MessageType(
    "source.quarantined.message",
    N_("{reason} The message was kept as it came. Mend the sender or the mapping, then replay it."),
    N_("A message could not be read"),
)
_UNCLAIMED: Final = N_("Messages that nothing reads: {message_type}")
MESSAGE_UNCLAIMED: Final = MessageType(
    "message.unclaimed",
    N_(
        "Nothing reads messages of the type {message_type} from this connection. They are kept ({count} now), and can "
        "be replayed once something reads them."
    ),
    _UNCLAIMED,
)
MESSAGE_UNCLAIMED_MANY: Final = MessageType(
    "message.unclaimed.many",
    N_(
        "Nothing reads messages of the type {message_type} from this connection. They are kept (more than {count} "
        "now), and can be replayed once something reads them."
    ),
    _UNCLAIMED,
)
CONTRACT_MISSING: Final = MessageType(
    "contract.missing",
    N_(
        "{element} is reported, but no contract is published for it. The values are held: publish a contract, and they "
        "are taken."
    ),
    N_("No owner is published for this element"),
)
CONTRACT_MISSING_PARTLY: Final = MessageType(
    "contract.missing.partly",
    N_(
        "{element} is reported for records that no contract of it selects. Their values are held: publish a contract "
        "that selects them, or one without a selector, and they are taken."
    ),
    N_("No owner is published for some records of this element"),
)
_CHANGED_OUTSIDE: Final = N_("Changed outside its source of truth")
DRIFT_REPORTED: Final = MessageType(
    "channel.drift.reported",
    N_(
        "{element} of {record_key} was set to {value} elsewhere. It was not taken over: change it in the source of "
        "truth."
    ),
    _CHANGED_OUTSIDE,
)
DRIFT_READ: Final = MessageType(
    "channel.drift.read",
    N_(
        "{element} of {record_key}: the channel shows {shown}, {expected} was seen there on {seen_at}. Replay it to "
        "send the approved value again."
    ),
    _CHANGED_OUTSIDE,
)
CHANGE_REFUSED: Final = MessageType(
    "change.refused",
    N_("{reason} The channels keep the value they show. Correct it in the source of truth."),
    N_("{element}: policy refuses the new value"),
)
_OUT_OF_DATE: Final = N_("What was approved is no longer what would be sent")
APPROVAL_STALE: Final = MessageType(
    "approval.stale",
    N_(
        "{element} of {record_key}: the value, its owner, the policy or the data behind it changed after the approval. "
        "It was not sent and was decided again: {outcome}."
    ),
    _OUT_OF_DATE,
)
_NO_LONGER_COUNTS: Final = N_("An approval no longer counts")
APPROVAL_LAPSED: Final = MessageType(
    "approval.stale.lapsed",
    N_(
        "{element} of {record_key}: whoever proposed or approved it was suspended, or lost the right to, before it was "
        "sent. It was not sent and was decided again: {outcome}."
    ),
    _NO_LONGER_COUNTS,
)
PROPOSAL_LAPSED: Final = MessageType(
    "approval.stale.proposal_lapsed",
    N_(
        "{element} of {record_key}: whoever proposed or approved it was suspended, or lost the right to, before it was "
        "sent. It was not sent and was refused. Propose it again if it is still right."
    ),
    _NO_LONGER_COUNTS,
)
REDECIDED_AWAITING: Final = MessageType(
    "approval.stale.awaiting_approval",
    N_("{element} of {record_key}: what it was judged on changed after the approval. It waits for a new approval."),
    _OUT_OF_DATE,
)
REDECIDED_REFUSED: Final = MessageType(
    "approval.stale.refused",
    N_(
        "{element} of {record_key}: what it was judged on changed after the approval. Policy refuses it now: correct "
        "it in the source of truth."
    ),
    _OUT_OF_DATE,
)
REDECIDED_SUPERSEDED: Final = MessageType(
    "approval.stale.superseded",
    N_(
        "{element} of {record_key}: what it was judged on changed after the approval. Not sent: another value is "
        "approved or awaiting approval."
    ),
    _OUT_OF_DATE,
)
APPROVAL_LATE: Final = MessageType(
    "approval.late",
    N_(
        "{element} of {record_key} has waited for an answer since {since}. Channels keep the approved value. Answer it "
        "before {expires_at}, when the request expires."
    ),
    N_("An approval is overdue"),
)
APPROVAL_EXPIRED: Final = MessageType(
    "approval.expired",
    N_("{element} of {record_key}: nobody answered in time, so nothing was sent. Send it again from its source."),
    N_("An approval expired without an answer"),
)
GRANT_EXPIRED: Final = MessageType(
    "approval.expired.granted",
    N_(
        "{element} of {record_key} was approved, but the approval expired before publishing, so nothing was sent. Send "
        "it again from its source."
    ),
    N_("An approval expired before publishing"),
)
CHANNEL_PAUSED: Final = MessageType(
    "connection.paused.channel",
    N_(
        "Its buyers keep seeing old values. Changes released meanwhile are sent when it is resumed. Resume it under "
        "Connections."
    ),
    N_("{name} is paused"),
)
SOURCE_PAUSED: Final = MessageType(
    "connection.paused.source",
    N_("No new values arrive from it. Resume it under Connections."),
    N_("{name} is paused"),
)
CONNECTION_FAILING: Final = MessageType(
    "connection.failing",
    N_("Nothing has worked since {since}. {error} Changes are queued and resume automatically when it works again."),
    N_("{name} is failing"),
)
_NOT_IN_TIME: Final = N_("{name} does not show a released value in time")
SLO_BREACHED_PENDING: Final = MessageType(
    "propagation.slo_breached.pending",
    N_("{element} of {record_key}: not taken yet. The clock keeps running until the value is seen."),
    _NOT_IN_TIME,
)
SLO_BREACHED_ACCEPTED: Final = MessageType(
    "propagation.slo_breached.accepted",
    N_(
        "{element} of {record_key}: accepted by the channel, but not visible there. The clock keeps running until the "
        "value is seen."
    ),
    _NOT_IN_TIME,
)
SLO_BREACHED_REFUSED: Final = MessageType(
    "propagation.slo_breached.refused",
    N_("{element} of {record_key}: refused by the channel. The clock keeps running until the value is seen."),
    _NOT_IN_TIME,
)
SLO_BREACHED_FAILED: Final = MessageType(
    "propagation.slo_breached.failed",
    N_("{element} of {record_key}: stopped after many attempts. The clock keeps running until the value is seen."),
    _NOT_IN_TIME,
)
_OF_ONE_VALUE: Final = N_("{element} of {record_key}: {reason}")
PROPAGATION_REFUSED: Final = MessageType("propagation.refused", _OF_ONE_VALUE, N_("A channel will not take a value"))
PROPAGATION_FAILED: Final = MessageType(
    "propagation.failed", _OF_ONE_VALUE, N_("A channel accepted a value and never showed it")
)
PROPAGATION_UNREADABLE: Final = MessageType(
    "propagation.unreadable", _OF_ONE_VALUE, N_("A channel shows a value that is not exact")
)
PROPAGATION_STALE: Final = MessageType("approval.stale.not_sent", _OF_ONE_VALUE, _OUT_OF_DATE)
