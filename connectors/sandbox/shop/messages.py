"""The sandbox shop's own words."""

from typing import Literal

import msgspec

Field = Literal["price", "stock"]


class NewShopValue(msgspec.Struct, frozen=True, gc=False):
    """`key` makes a repeated write harmless; a `version` not above the present one is stale."""

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
    """The fields of a `Shown`, whatever they hold."""

    amount: msgspec.Raw
    currency: msgspec.Raw
    version: msgspec.Raw


class Products(msgspec.Struct, frozen=True):
    """A part of the shop's products, in the order they were made."""

    skus: list[str]
    more: bool


class ShownValues(msgspec.Struct, frozen=True):
    """Each is a `Shown` or null. Raw, because one that is odd must not make its neighbours unreadable."""

    values: list[msgspec.Raw]
