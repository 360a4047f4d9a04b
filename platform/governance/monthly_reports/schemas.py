"""Structs of monthly reports for pages, commands and the API."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Final
from uuid import UUID

import msgspec

_STEP: Final = Decimal("0.01")


def share_in_time(number: int, late: int) -> Decimal | None:
    """Share in per cent, rounded down, so that a target is never met by rounding; None if `number` is 0."""
    return (Decimal(100) * (number - late) / number).quantize(_STEP, ROUND_FLOOR) if number else None


class ChangeCounts(msgspec.Struct, frozen=True):
    """The changes proposed in the month, by outcome: the parts add up to `proposed`.

    `automatic`: released by policy; `approved`: released after a person's approval; `declined`: by a person; `refused`:
    by policy.
    """

    proposed: int = 0
    automatic: int = 0
    approved: int = 0
    declined: int = 0
    refused: int = 0
    expired: int = 0
    superseded: int = 0
    awaiting: int = 0


class TimeFigures(msgspec.Struct, frozen=True):
    """Number, number late, and the median and the 95th percentile of the time in seconds."""

    number: int = 0
    late: int = 0
    half_s: float | None = None
    most_s: float | None = None
    in_time_pct: Decimal | None = None


class DeliveryFigures(msgspec.Struct, frozen=True):
    """The deliveries of an element to a channel that were released in the month. `target_least_s` and `target_most_s`:
    the publishing targets of the element's present contracts, which differ where several select parts of it.
    """

    connection_id: UUID
    channel: str
    element: str
    deliveries: TimeFigures
    target_least_s: float | None
    target_most_s: float | None


class ExceptionFigures(msgspec.Struct, frozen=True):
    """The exceptions of a type that were opened in the month. `closing` counts those closed since; an exception is late
    if it was closed after the correction target.
    """

    code: str
    opened: int
    open: int
    closing: TimeFigures


class ReviewerFigures(msgspec.Struct, frozen=True):
    """The approvals that a person answered in the month, and the time from the proposal to the answer."""

    reviewer: str
    name: str
    approved: int
    declined: int
    half_s: float | None


class UsageFigures(msgspec.Struct, frozen=True):
    meter: str
    quantity: Decimal


class MonthFigures(msgspec.Struct, frozen=True):
    """`decisions` are people's answers in the month, late after the decision target; `deliveries` the values released
    in the month, late after their publishing target. Pauses count for neither. `is_partial`: there were more rows
    than are read; the figures are of the newest.
    """

    month: str
    changes: ChangeCounts
    decisions: TimeFigures
    deliveries: TimeFigures
    channels: Sequence[DeliveryFigures]
    exceptions: Sequence[ExceptionFigures]
    reviewers: Sequence[ReviewerFigures]
    usage: Sequence[UsageFigures]
    is_partial: bool

    @property
    def is_empty(self) -> bool:
        counted = self.changes.proposed or self.decisions.number or self.deliveries.number
        return not (counted or self.exceptions or self.usage)

    @property
    def opened(self) -> int:
        return sum(one.opened for one in self.exceptions)


class MonthlyReport(msgspec.Struct, frozen=True):
    """A client's month by its own calendar, from `start` until `end`, and the month before. `is_complete`: the month is
    over.
    """

    client: str
    time_zone: str
    start: datetime
    end: datetime
    is_complete: bool
    as_of: datetime
    figures: MonthFigures
    before: MonthFigures


class ReportMonth(msgspec.Struct, frozen=True):
    """A month that has a report."""

    month: str
    is_complete: bool


class ReportMonths(msgspec.Struct, frozen=True):
    """The newest first."""

    months: Sequence[ReportMonth]
