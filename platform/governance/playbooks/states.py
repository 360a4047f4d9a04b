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


class ProjectObjective(LabelledCode):
    """Main objective of a project: a single, narrow one."""

    ON_TIME_DELIVERY = "on_time_delivery", N_("On-time delivery")
    RESOLUTION = "resolution", N_("Faster resolution of exceptions")
    MARGIN = "margin", N_("Protected margin")
    ACCOUNTABILITY = "accountability", N_("Clear accountability for data")


class FirstJourney(LabelledCode):
    """The data or order flow with which a rollout starts; flows with the highest impact first."""

    PRICES = "prices", N_("Prices, from the decision to every channel")
    STOCK = "stock", N_("Stock, from the count to every channel")
    ORDER_STATUS = "order_status", N_("Orders, from the channel to their status")
    PRODUCT_DATA = "product_data", N_("Product data, from the source to every channel")
