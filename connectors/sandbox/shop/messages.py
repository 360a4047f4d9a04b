"""Message formats of the sandbox shop."""

from typing import Literal

import msgspec

Field = Literal["price", "stock"]


class NewShopValue(msgspec.Struct, frozen=True, gc=False):
    """`key` makes a repeated write idempotent; a `version` not above the current one is stale."""

    sku: str
    field: Field
    amount: int
    currency: str
    version: int
    key: str


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


class Shown(msgspec.Struct, frozen=True):
    amount: int
    currency: str
    version: int


class ShownRaw(msgspec.Struct, frozen=True):
    """The raw fields of a `Shown`."""

    amount: msgspec.Raw
    currency: msgspec.Raw
    version: msgspec.Raw


class Products(msgspec.Struct, frozen=True):
    """A page of the shop's products, in order of creation."""

    skus: list[str]
    more: bool


class ShownValues(msgspec.Struct, frozen=True):
    """Each is a `Shown` or null. Raw, because an odd one must not make its neighbours unreadable."""

    values: list[msgspec.Raw]
