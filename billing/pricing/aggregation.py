"""Quantities from events: count, sum, maximum, unique, latest, percentile, time-weighted; and the placement of late
events.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Final

import msgspec

from billing.pricing.numbers import Number, decimal, exact, total
from billing.pricing.rounding import Rounding, round_amount


class Aggregation(StrEnum):
    COUNT = "count"
    SUM = "sum"
    MAX = "max"
    MIN = "min"
    UNIQUE = "unique"
    LATEST = "latest"
    AVERAGE = "average"
    PERCENTILE = "percentile"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """An event's `value`, its time, its fields, and whether `unique` adds or removes the field's value."""

    value: Number = 1
    at: datetime | None = None
    fields: Mapping[str, str] = {}
    removes: bool = False


class Aggregated(msgspec.Struct, frozen=True):
    """`value` is the sum over the groups; `groups` has each by its dimensions' values."""

    value: Decimal
    groups: dict[tuple[str, ...], Decimal]


class LevelChange(msgspec.Struct, frozen=True):
    """A change of a level, such as the gigabytes stored."""

    at: datetime
    delta: Number


class WeightedSum(msgspec.Struct, frozen=True):
    """`units` are the level's average over the period; `carried` is the level at its end."""

    units: Decimal
    carried: Decimal


class UsageAcceptance(StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ServicePeriod(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime
    is_open: bool = True


class LateEvent(msgspec.Struct, frozen=True):
    """`allowance`: the period that the event occurred in, whose terms and allowance it keeps. `billed_in`: the first
    open period from there on. None for those that are not given.
    """

    result: UsageAcceptance
    allowance: ServicePeriod | None = None
    billed_in: ServicePeriod | None = None

    @property
    def is_late(self) -> bool:
        return self.billed_in is not None and self.billed_in != self.allowance


def aggregate(  # noqa: PLR0913 - keyword-only
    function: Aggregation,
    events: Sequence[Measured],
    *,
    field: str = "",
    group_by: Sequence[str] = (),
    filters: Mapping[str, str | Sequence[str]] | None = None,
    percentile: Number = 95,
) -> Aggregated:
    """The events' quantity. `field` is what `unique` distinguishes; without groups all events are one. `filters`: only
    events whose field has the value, or one of several. `percentile` takes the nearest rank. No events come to 0.
    """
    groups: dict[tuple[str, ...], list[Measured]] = {}
    for event in events:
        if all(_has(event.fields.get(name), wanted) for name, wanted in (filters or {}).items()):
            groups.setdefault(tuple(event.fields.get(name, "") for name in group_by), []).append(event)
    values = {key: _of_group(function, found, field, exact(percentile)) for key, found in groups.items()}
    return Aggregated(decimal(total(list(values.values()))), {key: decimal(value) for key, value in values.items()})


def _has(value: str | None, wanted: str | Sequence[str]) -> bool:
    return value == wanted if isinstance(wanted, str) else value in wanted


def _of_group(function: Aggregation, events: Sequence[Measured], field: str, percentile: Fraction) -> Fraction:
    if function is Aggregation.UNIQUE:
        return Fraction(len(_unique(events, field)))
    if function is Aggregation.LATEST:
        # Of events at one instant, the last reported one.
        newest = max(enumerate(events), key=lambda one: (one[1].at is not None, one[1].at or _NEVER, one[0]))
        return exact(newest[1].value)
    values = sorted(exact(event.value) for event in events)
    if function is Aggregation.PERCENTILE:
        return values[max(1, ceil(percentile * len(values) / 100)) - 1]
    return _SIMPLE[function](values)


_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_SIMPLE: Final[Mapping[Aggregation, Callable[[list[Fraction]], Fraction]]] = {
    Aggregation.COUNT: lambda values: Fraction(len(values)),
    Aggregation.SUM: total,
    Aggregation.MAX: max,
    Aggregation.MIN: min,
    Aggregation.AVERAGE: lambda values: total(values) / len(values),
}


def _unique(events: Sequence[Measured], field: str) -> set[str]:
    present: set[str] = set()
    for event in events:
        value = event.fields.get(field) if field else str(event.value)
        if value is not None:
            (present.discard if event.removes else present.add)(value)
    return present


def weighted_sum(  # noqa: PLR0913 - keyword-only
    events: Sequence[LevelChange],
    start: datetime,
    end: datetime,
    *,
    carried: Number = 0,
    places: int | None = None,
    mode: Rounding = Rounding.HALF_UP,
) -> WeightedSum:
    """A level's average over the period from `start` until `end`: level times seconds, by the seconds of the period.
    `carried` is the level at the start; earlier events add to it, and those at the end or later do not count. Events
    of one instant all count.
    """
    level = exact(carried) + total([exact(one.delta) for one in events if one.at < start])
    weighted, last = Fraction(0), start
    for event in sorted((one for one in events if start <= one.at < end), key=lambda one: one.at):
        weighted, level, last = weighted + level * _seconds(event.at - last), level + exact(event.delta), event.at
    units = (weighted + level * _seconds(end - last)) / _seconds(end - start)
    return WeightedSum(decimal(units) if places is None else round_amount(units, places, mode), decimal(level))


def _seconds(span: timedelta) -> Fraction:
    return Fraction(span // timedelta(microseconds=1), 1_000_000)


def place_event(
    occurred: datetime,
    received: datetime,
    periods: Sequence[ServicePeriod] = (),
    *,
    max_age: timedelta | None = timedelta(days=35),
    max_future: timedelta | None = timedelta(minutes=5),
) -> LateEvent:
    """Acceptance of an event, and the period that bills it. Both limits are inclusive. An event of a closed period is
    billed in the next open one, with the allowance of its own.
    """
    too_old = max_age is not None and received - occurred > max_age
    if too_old or (max_future is not None and occurred - received > max_future):
        return LateEvent(UsageAcceptance.REJECTED)
    ordered = sorted(periods, key=lambda one: one.start)
    own = next((one for one in ordered if one.start <= occurred < one.end), None)
    billed = next((one for one in ordered if one.is_open and one.end > occurred), None)
    return LateEvent(UsageAcceptance.ACCEPTED, own, billed)
