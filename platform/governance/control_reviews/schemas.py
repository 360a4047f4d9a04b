"""Structs of control reviews for pages, commands and the API."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from governance.control_reviews.states import ReviewCadence, ReviewControl, ReviewState

Days = Annotated[int, msgspec.Meta(ge=1, le=90)]


class ControlFinding(msgspec.Struct, frozen=True):
    """A finding of the job about one control. `values`: numbers, and times in ISO 8601."""

    control: ReviewControl
    is_met: bool
    values: dict[str, int | str]


class ControlFindingView(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with its sentence, in the reader's language. `path`: the page of the details, after the client's root;
    empty if there is none.
    """

    control: ReviewControl
    label: str
    is_met: bool
    detail: str
    path: str
    values: dict[str, int | str]


class ReviewScheduleInput(RequestBody, frozen=True, kw_only=True):
    """Schedule of a client's control reviews. `cadence`: null if no further review is opened. `starts_on`: the day of
    the first; today if not given. `days`: until a review is overdue.
    """

    cadence: ReviewCadence | None
    starts_on: date | None = None
    days: Days = 14


class ReviewScheduleView(msgspec.Struct, frozen=True, kw_only=True):
    cadence: ReviewCadence | None
    starts_on: date
    days: int
    next_on: date | None
    changed_at: datetime
    changed_by: str


class SignInput(RequestBody, frozen=True, kw_only=True):
    """Input of a signature. `note` is required if a control is not met. `collected_at`: time of the evidence that was
    read; with it, a review whose evidence was collected again since is not signed.
    """

    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    collected_at: datetime | None = None


class ReviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A review of a client. `unmet`: the controls that are not met."""

    id: UUID
    client: str
    client_name: str
    scheduled_on: date
    due_on: date
    state: ReviewState
    is_overdue: bool
    unmet: Sequence[ReviewControl]
    collected_at: datetime
    signed_at: datetime | None
    signed_by: str


class ReviewView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    scheduled_on: date
    due_on: date
    state: ReviewState
    is_overdue: bool
    findings: Sequence[ControlFindingView]
    collected_at: datetime
    signed_at: datetime | None
    signed_by: str
    note: str

    @property
    def unmet(self) -> int:
        return sum(not one.is_met for one in self.findings)


class ClientReviews(msgspec.Struct, frozen=True):
    """A client's schedule, null if there is none, and its newest 50 reviews."""

    schedule: ReviewScheduleView | None
    items: Sequence[ReviewView]
