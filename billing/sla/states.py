"""States of service credits."""

from enum import StrEnum
from typing import Final

from foundation.marks import N_
from foundation.state_machine import StateMachine


class SlaState(StrEnum):
    MET = "met"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


SLA_CREDITS: Final = StateMachine(
    SlaState,
    starts=[SlaState.MET, SlaState.PROPOSED],
    transitions={
        SlaState.MET: [],
        SlaState.PROPOSED: [SlaState.APPROVED, SlaState.REJECTED],
        SlaState.APPROVED: [],
        SlaState.REJECTED: [],
    },
)

STATE_LABELS: Final = {
    SlaState.MET: (N_("Target met"), "ok"),
    SlaState.PROPOSED: (N_("Waits for a decision"), "warn"),
    SlaState.APPROVED: (N_("Approved"), "info"),
    SlaState.REJECTED: (N_("Rejected"), "neutral"),
}
"""Label and kind of the badge."""
