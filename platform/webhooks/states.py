"""States of webhook endpoints and deliveries, and outcomes of attempts."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class EndpointState(LabelledCode):
    ACTIVE = "active", N_("Active")
    PAUSED = "paused", N_("Paused")
    """Events are kept, nothing is sent."""


class PauseReason(LabelledCode):
    PERSON = "person", N_("Paused by a person")
    FAILING = "failing", N_("Paused because it failed for days")
    GONE = "gone", N_("Paused because the receiver answered that it is gone")


class DeliveryState(LabelledCode):
    PENDING = "pending", N_("Pending")
    DELIVERED = "delivered", N_("Delivered")
    FAILED = "failed", N_("Failed")
    """All attempts failed."""
    SKIPPED = "skipped", N_("Skipped")
    """By a person, or because the endpoint was deleted."""


class AttemptOutcome(LabelledCode):
    DELIVERED = "delivered", N_("Delivered")
    REFUSED = "refused", N_("The receiver answered with an error")
    UNREACHABLE = "unreachable", N_("The receiver did not answer")
    OVERSIZED = "oversized", N_("The answer was too long")
    NOT_ALLOWED = "not_allowed", N_("The address may not be called")


ENDPOINTS: Final = StateMachine(
    EndpointState,
    starts=[EndpointState.ACTIVE],
    transitions={
        EndpointState.ACTIVE: [EndpointState.PAUSED],
        EndpointState.PAUSED: [EndpointState.ACTIVE],
    },
)
DELIVERIES: Final = StateMachine(
    DeliveryState,
    starts=[DeliveryState.PENDING],
    transitions={
        DeliveryState.PENDING: [DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.SKIPPED],
    },
)
IS_PENDING: Final = f"state = '{DeliveryState.PENDING}'"
"""As SQL, the text of the partial index."""
