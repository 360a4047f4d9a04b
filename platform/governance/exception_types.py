"""Types of exceptions, each declared once: its code, label, weights of severity, and time for its correction."""

from datetime import timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Self
from uuid import UUID

from foundation.marks import N_


class SeverityWeights(NamedTuple):
    """Points of an exception before its circumstances."""

    revenue: int
    compliance: int
    partner: int


class ExceptionType(StrEnum):
    """Value: the code, with which an exception is stored. `why` explains the weights. `correction` applies where no
    element contract gives a time.
    """

    label: str
    weights: SeverityWeights
    why: str
    correction: timedelta

    def __new__(
        cls, code: str, label: str, weights: SeverityWeights, why: str, correction: timedelta = timedelta(hours=4)
    ) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.label, member.weights, member.why, member.correction = label, weights, why, correction
        return member

    SOURCE_QUARANTINED = (
        "source.quarantined",
        N_("Message not readable"),
        SeverityWeights(15, 5, 5),
        N_("A message could not be read, so a change may be missing."),
    )
    SOURCE_ID_CONFLICT = (
        "source.id_conflict",
        N_("Duplicate message ID"),
        SeverityWeights(10, 15, 0),
        N_("The same message id came with other content."),
    )
    SOURCE_STALE = (
        "source.stale",
        N_("Outdated version from source"),
        SeverityWeights(15, 15, 5),
        N_("A value was dropped as outdated although it was committed later."),
    )
    SOURCE_CLOCK_AHEAD = (
        "source.clock_ahead",
        N_("Source dates in the future"),
        SeverityWeights(10, 10, 0),
        N_("The dates of this source are unreliable."),
    )
    SOURCE_DUPLICATE_KEY = (
        "source.duplicate_key",
        N_("Duplicate key in source"),
        SeverityWeights(20, 20, 5),
        N_("Two records of the source have the same key, so they cannot be told apart."),
    )
    MESSAGE_UNCLAIMED = (
        "message.unclaimed",
        N_("Unclaimed messages"),
        SeverityWeights(5, 5, 5),
        N_("Messages are stored but not processed."),
        timedelta(days=7),
    )
    CONTRACT_MISSING = (
        "contract.missing",
        N_("No owner published"),
        SeverityWeights(10, 15, 0),
        N_("No contract names who may set this."),
    )
    CHANNEL_DRIFT = (
        "channel.drift",
        N_("Changed outside"),
        SeverityWeights(15, 25, 5),
        N_("Someone other than the source of truth set this."),
    )
    CHANGE_REFUSED = (
        "change.refused",
        N_("Refused by policy"),
        SeverityWeights(20, 25, 0),
        N_("Policy refuses the value of the source."),
    )
    APPROVAL_STALE = (
        "approval.stale",
        N_("Approval out of date"),
        SeverityWeights(10, 15, 0),
        N_("The content to send is no longer the approved content."),
    )
    APPROVAL_LATE = (
        "approval.late",
        N_("Approval overdue"),
        SeverityWeights(10, 10, 0),
        N_("People have not decided by the due time; channels keep the approved value."),
    )
    APPROVAL_EXPIRED = (
        "approval.expired",
        N_("Approval expired"),
        SeverityWeights(15, 10, 0),
        N_("There was no answer in time."),
    )
    CONNECTION_FAILING = (
        "connection.failing",
        N_("Connection not working"),
        SeverityWeights(20, 5, 15),
        N_("No data is received from this system or sent to it."),
    )
    CONNECTION_PAUSED = (
        "connection.paused",
        N_("Connection paused"),
        SeverityWeights(15, 0, 15),
        N_("Nothing is exchanged with this system while it is paused."),
    )
    WEBHOOK_PAUSED = (
        "webhook.paused",
        N_("Webhook paused"),
        SeverityWeights(5, 5, 20),
        N_("Another system is no longer notified of events."),
        timedelta(days=1),
    )
    PROPAGATION_SLO_BREACHED = (
        "propagation.slo_breached",
        N_("Late on a channel"),
        SeverityWeights(25, 5, 20),
        N_("Buyers still see the old value."),
    )
    PROPAGATION_REFUSED = (
        "propagation.refused",
        N_("Refused by a channel"),
        SeverityWeights(25, 5, 15),
        N_("The channel does not accept the value."),
    )
    PROPAGATION_FAILED = (
        "propagation.failed",
        N_("Failed on a channel"),
        SeverityWeights(25, 5, 20),
        N_("The channel never showed the value. There are no further attempts."),
    )
    PROPAGATION_UNREADABLE = (
        "propagation.unreadable",
        N_("Not exact on a channel"),
        SeverityWeights(20, 10, 15),
        N_("The channel shows a value that is not exactly the approved one."),
    )


_BY_CODE: Final = {str(one): one for one in ExceptionType}
_SENT: Final = (ExceptionType.CHANNEL_DRIFT, ExceptionType.APPROVAL_STALE)


def find_type(code: str) -> ExceptionType | None:
    """The type of a stored code; None for one of another release."""
    return _BY_CODE.get(code)


def is_of_channel(code: str, change_id: UUID | None, connection_id: UUID | None, source_event_id: UUID | None) -> bool:
    """Whether the value can be sent again: not yet verified on a channel, or verified and lost again."""
    if change_id is None or connection_id is None:
        return False
    return code.startswith("propagation.") or (code in _SENT and source_event_id is None)
