"""States of a project's tasks, and the codes of projects."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class TaskState(LabelledCode):
    OPEN = "open", N_("Open")
    BLOCKED = "blocked", N_("Blocked")
    DONE = "done", N_("Done")


TASKS: Final = StateMachine(
    TaskState,
    starts=[TaskState.OPEN],
    transitions={
        TaskState.OPEN: [TaskState.BLOCKED, TaskState.DONE],
        TaskState.BLOCKED: [TaskState.OPEN, TaskState.DONE],
        TaskState.DONE: [TaskState.OPEN],
    },
)


IS_OPEN_TASK: Final = f"state <> '{TaskState.DONE}'"
"""As SQL, the text of the partial index."""


class EvidenceKind(LabelledCode):
    NOTE = "note", N_("Note")
    LINK = "link", N_("Link")
    FILE = "file", N_("File reference")


class Sponsor(LabelledCode):
    """Executive sponsors of a project, one for each part of the client's business."""

    COMMERCE = "commerce", N_("Commerce")
    OPERATIONS = "operations", N_("Operations")
    IT = "it", N_("IT")
    CHANNELS = "channels", N_("Channels")
