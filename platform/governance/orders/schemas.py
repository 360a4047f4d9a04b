"""Structs of orders for pages, commands and the API."""

from datetime import datetime
from uuid import UUID

import msgspec

from canonical.orders import OrderValue
from canonical.values import HiddenValue, MoneyValue


class OrderItem(msgspec.Struct, frozen=True):
    """An order. `number` is its record key, `channel` the system that took it. A cancelled one has no total.

    `received_at` is the time of its first reading, `changed_at` that of the last change of its content or state.
    `change_id` is of the last released change of the content; null while none was released. From a reader who does not
    see orders, customer, total and lines are hidden.
    """

    number: str
    customer: str
    state: str
    total: MoneyValue | HiddenValue | None
    lines: int
    connection_id: UUID | None
    channel: str
    received_at: datetime
    changed_at: datetime
    change_id: UUID | None


class OrderDetail(msgspec.Struct, frozen=True):
    """`content` has the lines, all prices without tax."""

    order: OrderItem
    content: OrderValue | HiddenValue
