"""Features that a plan can allow, limit or leave out, each declared by its room."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

from foundation.errors import InvalidInput
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature of an account: a number of objects, or without `count` a switch.

    `count` is SQL of the number that the account :t has, at :now if it names that; `unit` a number of them in its two
    forms. With `per_month`, it counts acts since the start of the UTC month. `path` is the page that lists them, if
    there is one; it starts after the account's path, and is linked for those with `permission`, or for all.
    """

    code: str
    label: str
    path: str = ""
    permission: str = ""
    unit: tuple[str, str] | None = None
    count: str = ""
    per_month: bool = False

    def write(self, number: int) -> str:
        """“5 connections”, in the reader's language."""
        localizer = current_localizer()
        written = localizer.number(number)
        return written if self.unit is None else localizer.plural(*self.unit, ceil(number)).format(number=written)


class Features:
    """Every room's features, by code."""

    def __init__(self, features: Iterable[Feature]) -> None:
        self._features = {one.code: one for one in features}

    def __iter__(self) -> Iterator[Feature]:
        return iter(self._features.values())

    def get(self, code: str) -> Feature | None:
        return self._features.get(code)

    def label_of(self, code: str) -> str:
        """The label in the reader's language; the code itself for a feature of another release."""
        found = self._features.get(code)
        return code if found is None else translate(found.label)

    def require(self, code: str) -> Feature:
        """The feature of this code. Raises InvalidInput with the list of features."""
        found = self._features.get(code)
        if found is None:
            raise InvalidInput(
                N_("There is no feature “{name}”. Choose one of: {known}."),
                params={"name": code, "known": ", ".join(sorted(self._features))}, field="feature",
            )  # fmt: skip
        return found
