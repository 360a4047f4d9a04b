"""Keys of values: record, element and dimension."""

from typing import Final, NamedTuple

import msgspec

PRODUCT: Final = "product"
"""The default record type of a key."""


class ElementKey(NamedTuple):
    """The key of a value; hashable, and sorted as the tables' primary keys are.

    `dimension` as in `canonical.dimensions`, empty for the undivided value.
    """

    record_key: str
    element: str
    dimension: str = ""
    record_type: str = PRODUCT

    def joined(self, separator: str) -> str:
        """A text unique to the key, for keys of jobs (`|`) and subjects of exceptions (`:`).

        Parts with their default value are left out. Elements contain a point, types of records none, and dimensions
        neither separator, so that no two keys share a text.
        """
        text = f"{self.record_key}{separator}{self.element}"
        if not self.dimension and self.record_type == PRODUCT:
            return text
        return f"{text}{separator}{self.dimension}{separator}{self.record_type}"


new_key: Final = tuple.__new__
"""Constructor of a key from its four parts, at half the cost of the class's own, a Python function: a change needs a
dozen keys.
"""


class Keyed(msgspec.Struct, gc=False):
    """Base of rows about one value that are changed in memory."""

    record_key: str
    element: str
    dimension: str
    record_type: str

    @property
    def key(self) -> ElementKey:
        return new_key(ElementKey, (self.record_key, self.element, self.dimension, self.record_type))


class FrozenKeyed(msgspec.Struct, frozen=True, gc=False):
    """Base of rows about one value."""

    record_key: str
    element: str
    dimension: str
    record_type: str

    @property
    def key(self) -> ElementKey:
        return new_key(ElementKey, (self.record_key, self.element, self.dimension, self.record_type))
