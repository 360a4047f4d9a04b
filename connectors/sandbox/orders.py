"""Orders in the sandbox: the shop receives them, the ERP fulfils them and reports their status."""

from datetime import datetime
from typing import Annotated

import msgspec

from canonical.orders import OrderValue

Number = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PlacedOrder(msgspec.Struct, frozen=True):
    """An order as the shop lists it. `version` grows with every change in the shop."""

    number: Number
    order: OrderValue
    version: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    placed_at: Annotated[datetime, msgspec.Meta(tz=True)]


class PlacedOrders(msgspec.Struct, frozen=True):
    """A page. Orders stay raw: they are stored byte for byte."""

    orders: list[msgspec.Raw]
    cursor: str
    more: bool


class NewOrder(msgspec.Struct, frozen=True):
    """An order to create in the ERP. `key` makes a repeated write idempotent."""

    number: Number
    order: OrderValue
    key: str


class NewOrders(msgspec.Struct, frozen=True):
    orders: list[NewOrder]


class Numbers(msgspec.Struct, frozen=True):
    numbers: list[Number]


class KnownOrders(msgspec.Struct, frozen=True):
    """One per requested number: the order, or null. Raw, because an invalid one must not make the others unreadable."""

    orders: list[msgspec.Raw]
