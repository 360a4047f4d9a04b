"""An order as pages show it: its lines, delivery and total, formatted for people."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from branding.formats import format_amount
from canonical.orders import OrderValue
from canonical.values import Value
from governance.labels import write_amount


class OrderLineView(msgspec.Struct, frozen=True):
    sku: str
    quantity: str
    unit_price: str
    amount: str


class OrderView(msgspec.Struct, frozen=True):
    """All prices are without tax."""

    lines: Sequence[OrderLineView]
    shipping: str
    total: str

    @property
    def skus(self) -> list[str]:
        return [line.sku for line in self.lines]


def describe_order(value: Value) -> OrderView | None:
    """Return the order for pages; None for another value, and for a cancelled order, which has no content."""
    if not isinstance(value, OrderValue) or value.is_cancelled:
        return None
    currency = value.currency
    lines = [
        OrderLineView(
            line.sku,
            format_amount(Decimal(line.quantity)),
            write_amount(line.unit_price, currency),
            write_amount(line.amount, currency),
        )
        for line in value.lines
    ]
    return OrderView(lines, write_amount(value.shipping, currency), write_amount(value.total, currency))
