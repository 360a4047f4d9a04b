"""States of drafts and of replays."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class DraftState(LabelledCode):
    OPEN = "open", N_("open")
    PUBLISHED = "published", N_("published")
    DISCARDED = "discarded", N_("discarded")


class ReplayState(LabelledCode):
    RUNNING = "running", N_("running")
    DONE = "done", N_("done")
    OUTDATED = "outdated", N_("outdated")
    """The draft or the published policy changed while it ran."""


DRAFTS: Final = StateMachine(
    DraftState, starts=[DraftState.OPEN], transitions={DraftState.OPEN: [DraftState.PUBLISHED, DraftState.DISCARDED]}
)
REPLAYS: Final = StateMachine(
    ReplayState,
    starts=[ReplayState.RUNNING],
    transitions={ReplayState.RUNNING: [ReplayState.DONE, ReplayState.OUTDATED]},
)
IS_OPEN_DRAFT: Final = f"state = '{DraftState.OPEN}'"
"""As SQL, the text of the partial index."""
