"""Structs of escalation ladders and of reached steps, for pages and the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.web.requests import RequestBody
from governance.escalation_timer import LEAST_MINUTES

MOST_STEPS: Final = 10
MOST_MINUTES: Final = 30 * 24 * 60
LadderSource = Literal["own", "msp", "default"]
"""Source of the ladder that applies: the account, its MSP for all clients, or the product."""


class EscalationSubject(LabelledCode):
    APPROVAL = "approval", N_("An approval waits")
    EXCEPTION = "exception", N_("An exception is open")


class EscalationStep(RequestBody, frozen=True):
    """A step: the role to notify once a subject has been open for `after_minutes`. `least_severity`: 0 to 100; an
    approval has the severity of the exception that is opened when it is overdue. `role_name` is stored with a role that
    the MSP composed, so that its clients can read the name; it is ignored in requests.
    """

    about: Literal["approval", "exception"]
    after_minutes: Annotated[int, msgspec.Meta(ge=LEAST_MINUTES, le=MOST_MINUTES)]
    role: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    least_severity: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    role_name: Annotated[str, msgspec.Meta(max_length=200)] = ""

    @property
    def subject(self) -> EscalationSubject:
        return EscalationSubject.of(self.about)


class LadderInput(RequestBody, frozen=True):
    """The steps of a ladder, in any order. At least one is about approvals of any severity: none must wait
    unseen.
    """

    steps: Annotated[list[EscalationStep], msgspec.Meta(max_length=MOST_STEPS)]


class EscalationStepView(msgspec.Struct, frozen=True):
    """A step. `role_label` is in the reader's language. `may_answer`: policy lets the role answer approvals; a
    notification gives no right. `members` are those of this account with the role; null for a role of the other
    account, an MSP's or a client's. `open_now` are open items that have reached this step and no later one.
    """

    about: str
    after_minutes: int
    role: str
    role_label: str
    least_severity: int
    may_answer: bool
    members: int | None
    open_now: int


class LadderClient(msgspec.Struct, frozen=True):
    """A client with a ladder of its own. `client` is its short name."""

    client: str
    name: str


class LadderView(msgspec.Struct, frozen=True):
    """The ladder that applies. `replaced` are the steps that would apply without the account's own; `own_ladders` are
    the clients of an MSP that its ladder does not reach.
    """

    source: LadderSource
    steps: Sequence[EscalationStepView]
    replaced: Sequence[EscalationStepView]
    changed_at: datetime | None
    changed_by: str
    own_ladders: Sequence[LadderClient]


class ReachedStep(msgspec.Struct, frozen=True):
    """A recorded step. `notified`: ids of the notified members. The step was due at `due_at`, and recorded at
    `reached_at`.
    """

    after_minutes: int
    role: str
    role_label: str
    due_at: datetime
    reached_at: datetime
    notified: Sequence[str]

    @property
    def after(self) -> timedelta:
        return timedelta(minutes=self.after_minutes)


class NextEscalation(msgspec.Struct, frozen=True):
    after_minutes: int
    role: str
    role_label: str
    due_at: datetime


class EscalationView(msgspec.Struct, frozen=True):
    """Steps that a subject reached, in order, and the next one; null once it is closed, or after the last step."""

    reached: Sequence[ReachedStep]
    next: NextEscalation | None


class OpenItem(msgspec.Struct, frozen=True):
    """An approval or exception. `change_id` is the change of an approval."""

    about: EscalationSubject
    id: UUID
    change_id: UUID | None
    is_open: bool
