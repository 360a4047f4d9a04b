"""States of a request for access to a client."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class AccessState(LabelledCode):
    """A granted one whose end has come is over without a change of its state."""

    REQUESTED = "requested", N_("Waiting for an answer")
    GRANTED = "granted", N_("Granted")
    REFUSED = "refused", N_("Refused")
    WITHDRAWN = "withdrawn", N_("Withdrawn")
    REVOKED = "revoked", N_("Revoked")


class StaffAccess(LabelledCode):
    """How an MSP's staff enter a client: always, with the roles of their own account, or each time with its consent."""

    STANDING = "standing", N_("Always")
    ON_REQUEST = "on_request", N_("On request only")


ACCESS: Final = StateMachine(
    AccessState,
    starts=[AccessState.REQUESTED],
    transitions={
        AccessState.REQUESTED: [AccessState.GRANTED, AccessState.REFUSED, AccessState.WITHDRAWN],
        AccessState.GRANTED: [AccessState.REVOKED],
    },
)
