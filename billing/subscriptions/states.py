"""States of subscriptions, which follow from their steps and the time, and the steps allowed in each."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from foundation.marks import N_
from foundation.state_machine import StateMachine


class SubscriptionState(StrEnum):
    SCHEDULED = "scheduled"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    """Its end is scheduled."""
    CANCELLED = "cancelled"


class StepKind(StrEnum):
    CHANGE = "change"
    """Change of plan, quantity or add-ons."""
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


_S = SubscriptionState
SUBSCRIPTIONS: Final = StateMachine(
    SubscriptionState,
    starts=[_S.SCHEDULED, _S.TRIALING, _S.ACTIVE],
    transitions={
        _S.SCHEDULED: [_S.TRIALING, _S.ACTIVE, _S.CANCELLED],
        _S.TRIALING: [_S.ACTIVE, _S.CANCELLING, _S.CANCELLED],
        _S.ACTIVE: [_S.PAUSED, _S.CANCELLING, _S.CANCELLED],
        _S.PAUSED: [_S.ACTIVE, _S.CANCELLING, _S.CANCELLED],
        _S.CANCELLING: [_S.TRIALING, _S.ACTIVE, _S.PAUSED, _S.CANCELLED],
    },
)
ALLOWED: Final[Mapping[StepKind, frozenset[SubscriptionState]]] = {
    StepKind.CHANGE: frozenset({_S.TRIALING, _S.ACTIVE}),
    StepKind.PAUSE: frozenset({_S.ACTIVE}),
    StepKind.RESUME: frozenset({_S.PAUSED}),
    StepKind.CANCEL: frozenset({_S.SCHEDULED, _S.TRIALING, _S.ACTIVE, _S.PAUSED}),
}
"""States in which a step may take effect."""
LABELS: Final[Mapping[SubscriptionState, tuple[str, str]]] = {
    _S.SCHEDULED: (N_("Scheduled"), "info"),
    _S.TRIALING: (N_("Trial"), "info"),
    _S.ACTIVE: (N_("Active"), "ok"),
    _S.PAUSED: (N_("Paused"), "warn"),
    _S.CANCELLING: (N_("Ends soon"), "warn"),
    _S.CANCELLED: (N_("Ended"), "neutral"),
}
"""Label and kind of the badge."""
STEP_LABELS: Final[Mapping[StepKind, str]] = {
    StepKind.CHANGE: N_("Changed"),
    StepKind.PAUSE: N_("Paused"),
    StepKind.RESUME: N_("Resumed"),
    StepKind.CANCEL: N_("Cancelled"),
}
ACT_LABELS: Final[Mapping[StepKind, str]] = {
    StepKind.CHANGE: N_("Change plan or quantity"),
    StepKind.PAUSE: N_("Pause"),
    StepKind.RESUME: N_("Resume"),
    StepKind.CANCEL: N_("End the subscription"),
}
