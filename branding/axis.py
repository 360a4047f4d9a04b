"""Chart scales: round ends, round steps, and labels that do not overlap."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_STEPS = (1, 2, 2.5, 5, 10)
_INTERVALS = 4
_MOST_LABELS = 8
_SMALLEST = 1e-6  # a shorter axis cannot be labelled


@dataclass(frozen=True, slots=True)
class Axis:
    low: float
    high: float
    ticks: tuple[float, ...]

    def part(self, value: float) -> float:
        """Position of `value` between the ends: 0 at the lower, 1 at the upper."""
        return (value - self.low) / (self.high - self.low)


def fit_axis(values: Iterable[float], top: float | None = None) -> Axis:
    """An axis that begins at zero (or below, for negative values) and ends on a round tick."""
    numbers = [value for value in values if math.isfinite(value)]
    low, high = min([0.0, *numbers]), max([0.0, *numbers]) if top is None else top
    if high - low < _SMALLEST:
        return Axis(low, low + 1, (low, low + 1))
    step = _round_step((high - low) / _INTERVALS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(index * step, 10) for index in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * step for step in _STEPS if power * step >= rough * (1 - 1e-9))


def round_labels(starts: Sequence[datetime], every: timedelta) -> list[str]:
    """Times of day at multiples of `every` since midnight UTC; blank in between."""
    seconds = every.total_seconds()
    return [f"{at.astimezone(UTC):%H:%M}" if at.timestamp() % seconds == 0 else "" for at in starts]


def thin_labels(labels: Sequence[str]) -> list[str]:
    """Labels of the same number, most of them blank once there are too many to read."""
    every = math.ceil(len(labels) / _MOST_LABELS)
    return [label if every <= 1 or index % every == 0 else "" for index, label in enumerate(labels)]
