"""Messages of exceptions. Sentences about one value begin with its element and key."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

SOURCE_STALE: Final = MessageType(
    "source.stale",
    N_(
        "{element} of {record_key} arrived as {value} with version {version}, which is not above the known version, "
        "so it was not applied. Replay it to apply it and to count from its version."
    ),
    N_("A newer value arrived with an older version"),
)
SOURCE_CLOCK_AHEAD: Final = MessageType(
    "source.clock_ahead",
    N_(
        "{element} of {record_key} is dated {dated_at}, but was read at {read_at}. Its value was applied with the "
        "time of the reading. Check the source's clock and the record's date."
    ),
    N_("A source dates its changes in the future"),
)
SOURCE_ID_CONFLICT: Final = MessageType(
    "source.id_conflict",
    N_(
        "Another message with the same ID has different content. Both are stored; only the first was processed. "
        "Replay this one if it is the right one."
    ),
    N_("Duplicate message ID"),
)
_SAME_KEY: Final = N_("Two records of the source have the same key")
SOURCE_DUPLICATE_KEY: Final = MessageType(
    "source.duplicate_key",
    N_(
        "The source's records {records} have the key {record_key}, so none of their values are applied. Give each "
        "record its own key in the source. If the others no longer exist, replay this exception: the record that "
        "changed last is used."
    ),
    _SAME_KEY,
)
SOURCE_DUPLICATE_KEYS: Final = MessageType(
    "source.duplicate_key.many",
    N_(
        "The source's records {records} and {count} more have the key {record_key}, so none of their values are "
        "applied. Give each record its own key in the source. If the others no longer exist, replay this exception: "
        "the record that changed last is used."
    ),
    _SAME_KEY,
)
VALUE_QUARANTINED: Final = MessageType(
    "source.quarantined.value",
    N_(
        "{element} of {record_key} was not applied: {reason} The original message is stored, and nothing was "
        "rounded. Correct it in the source of truth."
    ),
    N_("A value could not be read exactly"),
)
MESSAGE_QUARANTINED: Final = MessageType(
    "source.quarantined.message",
    N_("{reason} The original message is stored. Fix the sender or the mapping, then replay it."),
    N_("A message could not be read"),
)
_UNCLAIMED: Final = N_("Unclaimed messages: {message_type}")
MESSAGE_UNCLAIMED: Final = MessageType(
    "message.unclaimed",
    N_(
        "Messages of the type {message_type} from this connection are not processed yet. They are stored ({count} so "
        "far) and can be replayed once they are."
    ),
    _UNCLAIMED,
)
MESSAGE_UNCLAIMED_MANY: Final = MessageType(
    "message.unclaimed.many",
    N_(
        "Messages of the type {message_type} from this connection are not processed yet. They are stored (more than "
        "{count} so far) and can be replayed once they are."
    ),
    _UNCLAIMED,
)
CONTRACT_MISSING: Final = MessageType(
    "contract.missing",
    N_("{element} is reported, but no contract is published for it. The values are held until you publish one."),
    N_("No owner is published for this element"),
)
CONTRACT_MISSING_PARTLY: Final = MessageType(
    "contract.missing.partly",
    N_(
        "{element} is reported for records that none of its contracts selects. The values are held until you publish "
        "a contract that selects them, or a default contract."
    ),
    N_("No owner is published for some records of this element"),
)
_CHANGED_OUTSIDE: Final = N_("Changed outside its source of truth")
DRIFT_REPORTED: Final = MessageType(
    "channel.drift.reported",
    N_(
        "{element} of {record_key} was set to {value} elsewhere. This was not applied. Change the value in the "
        "source of truth."
    ),
    _CHANGED_OUTSIDE,
)
DRIFT_READ: Final = MessageType(
    "channel.drift.read",
    N_(
        "{element} of {record_key}: the channel shows {shown}, but {expected} was verified there on {seen_at}. "
        "Replay it to send the approved value again."
    ),
    _CHANGED_OUTSIDE,
)
CHANGE_REFUSED: Final = MessageType(
    "change.refused",
    N_("{reason} The channels keep the value they show. Correct it in the source of truth."),
    N_("{element}: policy refuses the new value"),
)
_OUT_OF_DATE: Final = N_("The content has changed since the approval")
APPROVAL_STALE: Final = MessageType(
    "approval.stale",
    N_(
        "{element} of {record_key}: the value, its owner, its channels, the policy or the data behind it changed after "
        "the approval. It was not sent and was decided again: {outcome}."
    ),
    _OUT_OF_DATE,
)
_NO_LONGER_COUNTS: Final = N_("An approval is no longer valid")
APPROVAL_LAPSED: Final = MessageType(
    "approval.stale.lapsed",
    N_(
        "{element} of {record_key}: the person who proposed or approved it was suspended, or lost the permission or "
        "the role, before it was sent. It was not sent and was decided again: {outcome}."
    ),
    _NO_LONGER_COUNTS,
)
PROPOSAL_LAPSED: Final = MessageType(
    "approval.stale.proposal_lapsed",
    N_(
        "{element} of {record_key}: the person who proposed or approved it was suspended, or lost the permission or "
        "the role, before it was sent. It was not sent and was refused. Propose it again if it is still right."
    ),
    _NO_LONGER_COUNTS,
)
REDECIDED_AWAITING: Final = MessageType(
    "approval.stale.awaiting_approval",
    N_(
        "{element} of {record_key}: the data behind the decision changed after the approval. A new approval is pending."
    ),
    _OUT_OF_DATE,
)
REDECIDED_REFUSED: Final = MessageType(
    "approval.stale.refused",
    N_(
        "{element} of {record_key}: the data behind the decision changed after the approval. Policy now refuses it. "
        "Correct it in the source of truth."
    ),
    _OUT_OF_DATE,
)
REDECIDED_SUPERSEDED: Final = MessageType(
    "approval.stale.superseded",
    N_(
        "{element} of {record_key}: the data behind the decision changed after the approval. Not sent: another value "
        "is approved or pending approval."
    ),
    _OUT_OF_DATE,
)
APPROVAL_LATE: Final = MessageType(
    "approval.late",
    N_(
        "{element} of {record_key} has been pending approval since {since}. Channels keep the approved value. Answer "
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
    N_("All calls have failed since {since}. {error} Changes are queued and sent automatically once it works again."),
    N_("{name} is failing"),
)
_NOT_IN_TIME: Final = N_("{name} does not show a released value in time")
SLO_BREACHED_PENDING: Final = MessageType(
    "propagation.slo_breached.pending",
    N_("{element} of {record_key}: not accepted yet. Delivery time counts until the value is visible."),
    _NOT_IN_TIME,
)
SLO_BREACHED_ACCEPTED: Final = MessageType(
    "propagation.slo_breached.accepted",
    N_(
        "{element} of {record_key}: accepted by the channel, but not visible there. Delivery time counts until the "
        "value is visible."
    ),
    _NOT_IN_TIME,
)
SLO_BREACHED_REFUSED: Final = MessageType(
    "propagation.slo_breached.refused",
    N_("{element} of {record_key}: refused by the channel. Delivery time counts until the value is visible."),
    _NOT_IN_TIME,
)
SLO_BREACHED_FAILED: Final = MessageType(
    "propagation.slo_breached.failed",
    N_("{element} of {record_key}: stopped after many attempts. Delivery time counts until the value is visible."),
    _NOT_IN_TIME,
)
_OF_ONE_VALUE: Final = N_("{element} of {record_key}: {reason}")
PROPAGATION_REFUSED: Final = MessageType("propagation.refused", _OF_ONE_VALUE, N_("A channel does not accept a value"))
PROPAGATION_FAILED: Final = MessageType(
    "propagation.failed", _OF_ONE_VALUE, N_("A channel accepted a value but never showed it")
)
PROPAGATION_UNREADABLE: Final = MessageType(
    "propagation.unreadable", _OF_ONE_VALUE, N_("A channel shows a value that is not exact")
)
PROPAGATION_STALE: Final = MessageType("approval.stale.not_sent", _OF_ONE_VALUE, _OUT_OF_DATE)
WEBHOOK_PAUSED: Final = MessageType(
    "webhook.paused",
    N_(
        "The webhook {name} was paused, because its receiver has not accepted an event for days or is gone. Events are"
        " kept. Correct the receiver, then resume the webhook: waiting events are sent in order."
    ),
    N_("A failing webhook was paused"),
)
