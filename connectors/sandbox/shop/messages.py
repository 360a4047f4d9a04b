"""Message formats of the sandbox shop."""

import msgspec

from canonical.values import Value

Field = str
"""`price` or `stock`, stored as integers; else an element with its dimension, as `element@dimension`."""


class NewShopValue(msgspec.Struct, frozen=True, gc=False):
    """`key` makes a repeated write idempotent; a `version` not above the current one is stale."""

    sku: str
    field: Field
    amount: int
    currency: str
    version: int
    key: str
    value: Value | None = None


class NewShopValues(msgspec.Struct, frozen=True):
    values: list[NewShopValue]


class WriteOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """`status` is applied, stale, unknown_sku or invalid."""

    status: str
    detail: str = ""


class WriteOutcomes(msgspec.Struct, frozen=True):
    results: list[WriteOutcome]


class Keys(msgspec.Struct, frozen=True):
    keys: list[tuple[str, Field]]


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An integer `amount`, in minor units of `currency` or in pieces; or a typed `value`."""

    version: int
    amount: int | None = None
    currency: str | None = None
    value: Value | None = None


class ShownRaw(msgspec.Struct, frozen=True, kw_only=True):
    """The raw fields of a `Shown`."""

    version: msgspec.Raw
    amount: msgspec.Raw = msgspec.Raw(b"")
    currency: msgspec.Raw = msgspec.Raw(b"")
    value: msgspec.Raw = msgspec.Raw(b"")

    @property
    def missing(self) -> str:
        """The field that is missing; empty when none is."""
        if bytes(self.value):
            return ""
        return "" if bytes(self.amount) and bytes(self.currency) else "currency" if bytes(self.amount) else "amount"


class Products(msgspec.Struct, frozen=True):
    """A page of the shop's products, in order of creation."""

    skus: list[str]
    more: bool


class ShownValues(msgspec.Struct, frozen=True):
    """Each is a `Shown` or null. Raw, because an invalid one must not make the others unreadable."""

    values: list[msgspec.Raw]
