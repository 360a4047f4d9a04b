"""States of drafts and of replays."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class DraftState(LabelledCode):
    OPEN = "open", N_("open")
    SCHEDULED = "scheduled", N_("scheduled")
    """Comes into force at its time; no longer edited."""
    FAILED = "failed", N_("not published")
    """Could not be published at its time."""
    WITHDRAWN = "withdrawn", N_("withdrawn")
    PUBLISHED = "published", N_("published")
    DISCARDED = "discarded", N_("discarded")


class ReplayState(LabelledCode):
    RUNNING = "running", N_("running")
    DONE = "done", N_("done")
    OUTDATED = "outdated", N_("outdated")
    """The draft or the published policy changed while it ran."""


DRAFTS: Final = StateMachine(
    DraftState,
    starts=[DraftState.OPEN],
    transitions={
        DraftState.OPEN: [DraftState.PUBLISHED, DraftState.DISCARDED, DraftState.SCHEDULED],
        DraftState.SCHEDULED: [DraftState.PUBLISHED, DraftState.FAILED, DraftState.OPEN, DraftState.WITHDRAWN],
        DraftState.FAILED: [DraftState.OPEN, DraftState.WITHDRAWN],
    },
)
REPLAYS: Final = StateMachine(
    ReplayState,
    starts=[ReplayState.RUNNING],
    transitions={ReplayState.RUNNING: [ReplayState.DONE, ReplayState.OUTDATED]},
)
IS_OPEN_DRAFT: Final = f"state = '{DraftState.OPEN}'"
"""As SQL, the text of the partial index."""
IS_SCHEDULED: Final = f"state = '{DraftState.SCHEDULED}'"
