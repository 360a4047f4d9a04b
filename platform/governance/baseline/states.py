"""States of baselines, and of their parts: one system each."""

from enum import StrEnum
from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine, in_sql


class BaselineState(LabelledCode):
    READING = "reading", N_("being read")
    READY = "ready", N_("ready")
    """Read and compared; a person accepts or discards it."""
    ACCEPTING = "accepting", N_("being accepted")
    ACCEPTED = "accepted", N_("accepted")
    DISCARDED = "discarded", N_("discarded")


class BaselinePartState(StrEnum):
    LISTING = "listing"
    """Record keys of a channel that lists them."""
    READING = "reading"
    READ = "read"


BASELINES: Final = StateMachine(
    BaselineState,
    starts=[BaselineState.READING],
    transitions={
        BaselineState.READING: [BaselineState.READY, BaselineState.DISCARDED],
        BaselineState.READY: [BaselineState.ACCEPTING, BaselineState.DISCARDED],
        BaselineState.ACCEPTING: [BaselineState.ACCEPTED],
    },
)
BASELINE_PARTS: Final = StateMachine(
    BaselinePartState,
    starts=[BaselinePartState.LISTING, BaselinePartState.READING],
    transitions={
        # A paused channel is not read.
        BaselinePartState.LISTING: [BaselinePartState.READING, BaselinePartState.READ],
        BaselinePartState.READING: [BaselinePartState.READ],
    },
)
OPEN_BASELINES: Final = (BaselineState.READING, BaselineState.READY, BaselineState.ACCEPTING)
"""A client has one of these at most."""
IS_OPEN_BASELINE: Final = f"state IN ({in_sql(OPEN_BASELINES)})"
"""As SQL, the text of the partial index."""
