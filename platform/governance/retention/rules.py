"""Rules for a class of data: the MSP's default, the client's policy, longer policies of elements, and holds. The
strictest wins.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from foundation.retention import DataClass, cutoff


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold; empty fields mean all."""

    data_class: str
    record_key: str


@dataclass(frozen=True, slots=True)
class RetentionLimit:
    """Rows made before `before` may be deleted: those of `elements`, or of all elements except `other_than`."""

    before: datetime
    elements: tuple[str, ...] = ()
    other_than: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientRules:
    """One client's policies by (class, element), its active holds, and its MSP's defaults by class."""

    policies: Mapping[tuple[str, str], int]
    holds: Sequence[Hold]
    defaults: Mapping[str, int] = field(default_factory=dict)

    def keep_days(self, data_class: DataClass, element: str = "") -> int:
        """Days to keep. An element's policy can only be longer than its class's, a client's only longer than its MSP's
        default, and none shorter than the minimum.
        """
        of_class = self.policies.get((data_class.name, ""), self.default_days(data_class))
        of_element = self.policies.get((data_class.name, element), 0) if element else 0
        return max(of_class, of_element, self.least_days(data_class))

    def default_days(self, data_class: DataClass) -> int:
        """Days to keep without a policy of the client's own."""
        return self.defaults.get(data_class.name, data_class.default_days)

    def least_days(self, data_class: DataClass) -> int:
        """The shortest period that the client can set."""
        return max(data_class.least_days, self.defaults.get(data_class.name, 0))

    def is_held(self, data_class: DataClass) -> bool:
        """Whether the complete class is held. A hold of one record keeps all of a class without record keys."""
        return any(not hold.record_key or not data_class.by_record for hold in self._of(data_class))

    def held_records(self, data_class: DataClass) -> list[str]:
        return sorted({hold.record_key for hold in self._of(data_class) if hold.record_key})

    def limits(self, data_class: DataClass, now: datetime) -> list[RetentionLimit]:
        """Limits of deletion; empty when the class is held."""
        if self.is_held(data_class):
            return []
        by_element = self.elements(data_class)
        longer = tuple(element for element, days in by_element.items() if days > self.keep_days(data_class))
        return [
            RetentionLimit(cutoff(now, self.keep_days(data_class)), other_than=longer),
            *(RetentionLimit(cutoff(now, by_element[element]), elements=(element,)) for element in longer),
        ]

    def elements(self, data_class: DataClass) -> dict[str, int]:
        """Days of each element with a policy of its own."""
        names = sorted(element for name, element in self.policies if name == data_class.name and element)
        return {element: self.keep_days(data_class, element) for element in names} if data_class.by_element else {}

    def earliest(self, data_class: DataClass, now: datetime) -> datetime | None:
        """Time from which on some data of the class is kept; None when the complete class is held."""
        return min((limit.before for limit in self.limits(data_class, now)), default=None)

    def _of(self, data_class: DataClass) -> Iterable[Hold]:
        return (hold for hold in self.holds if hold.data_class in ("", data_class.name))
