"""Orders as one value: handed from the system that took the order to the one that fulfils it."""

from decimal import Decimal
from typing import Final, Literal

import msgspec
from msgspec.structs import force_setattr

from canonical import problems
from canonical.amounts import EXACT, canonical_amount, normalise_amount
from canonical.money import stored_exponent
from canonical.problems import CanonicalError

ORDER: Final = "order"
"""The type of records that orders are; the key is the order's number."""
MAX_LINES: Final = 1_000
_CANCELLED: Final = "cancelled"


class InvalidOrder(CanonicalError):
    """The order has no lines, too many, or some although it is cancelled."""


class OrderLine(msgspec.Struct, frozen=True, order=True, gc=False):
    """A line of an order. `unit_price` is without tax and after discounts, in its currency. Raises InexactAmount."""

    sku: str
    quantity: str
    unit_price: str

    def __post_init__(self) -> None:
        normalise_amount(self, "quantity")
        normalise_amount(self, "unit_price")

    @property
    def amount(self) -> Decimal:
        return EXACT.multiply(Decimal(self.quantity), Decimal(self.unit_price))


class OrderValue(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="order"):
    """An order. Lines are sorted, so that systems that list them in different orders have the same value; `shipping` is
    the price of delivery without tax. `status` is set when the system that took the order has cancelled it: then the
    content is empty except for the currency (`cancelled_order`).

    Raises InexactAmount, also for a total that is no exact amount; UnknownCurrency; and InvalidOrder for an order
    without lines or with too many.
    """

    currency: str
    customer: str
    email: str
    lines: tuple[OrderLine, ...]
    shipping: str = "0"
    status: Literal["cancelled"] | msgspec.UnsetType = msgspec.UNSET
    """Unset in all other orders, whose JSON thus equals that of orders stored before cancellations were supported."""

    def __post_init__(self) -> None:
        stored_exponent(self.currency)
        if self.is_cancelled:
            if self.lines or self.customer or self.email or self.shipping != "0":
                raise InvalidOrder(problems.CANCELLED_CONTENT)
            return
        if not 0 < len(self.lines) <= MAX_LINES:
            raise InvalidOrder(problems.ORDER_LINES, most=MAX_LINES, count=len(self.lines))
        normalise_amount(self, "shipping")
        canonical_amount(self.total)
        if (ordered := tuple(sorted(self.lines))) != self.lines:
            force_setattr(self, "lines", ordered)

    @property
    def is_cancelled(self) -> bool:
        return self.status is not msgspec.UNSET

    @property
    def total(self) -> Decimal:
        """The price of all lines and of delivery, without tax."""
        total = Decimal(self.shipping)
        for line in self.lines:
            total = EXACT.add(total, line.amount)
        return total


def cancelled_order(currency: str) -> OrderValue:
    """An order that was cancelled where it was placed. Raises UnknownCurrency."""
    return OrderValue(currency, "", "", (), status=_CANCELLED)
