"""States of scheduled proposals."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class ScheduleState(LabelledCode):
    SCHEDULED = "scheduled", N_("scheduled")
    PROPOSED = "proposed", N_("proposed")
    """Proposed at its time; its change has the decision of policy."""
    NOT_PROPOSED = "not_proposed", N_("not proposed")
    """Could not be proposed at its time."""
    CANCELLED = "cancelled", N_("cancelled")


SCHEDULES: Final = StateMachine(
    ScheduleState,
    starts=[ScheduleState.SCHEDULED],
    transitions={
        ScheduleState.SCHEDULED: [ScheduleState.PROPOSED, ScheduleState.NOT_PROPOSED, ScheduleState.CANCELLED]
    },
)
IS_SCHEDULED: Final = f"state = '{ScheduleState.SCHEDULED}'"
"""As SQL, the text of the partial indexes."""
