"""Tryton's sales as orders: their exact content, and their status."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from canonical.money import parse_decimal
from canonical.orders import OrderLine, OrderValue, cancelled_order
from connectors.ports import HttpCaller
from connectors.tryton import reasons
from connectors.tryton.messages import Number, TrytonMoment
from connectors.tryton.session import TrytonSession, answer_changed
from foundation.decoding import decode_json
from foundation.i18n.messages import MessageText
from foundation.text import is_storable

Shape = TypeVar("Shape")

SALE_FIELDS: Final = [
    "reference",
    "state",
    "shipment_state",
    "comment",
    "currency.code",
    "create_date",
    "write_date",
    "shipments.state",
    "shipments.create_date",
    "shipments.write_date",
    "shipments.number",
    "shipments.outgoing_moves.quantity",
    "shipments.outgoing_moves.origin",
    "shipments.outgoing_moves.state",
    "shipments.outgoing_moves.product.code",
    "lines.type",
    "lines.quantity",
    "lines.unit_price",
    "lines.product.code",
]


class SaleState(StrEnum):
    """Tryton's states of sales that are distinguished here; modules may add others."""

    DRAFT = "draft"
    QUOTATION = "quotation"
    CONFIRMED = "confirmed"
    DONE = "done"
    CANCELLED = "cancelled"


class ShipmentState(StrEnum):
    """State of all shipments of a sale together."""

    PARTIALLY_SHIPPED = "partially shipped"
    SENT = "sent"


PENDING: Final = frozenset({SaleState.DRAFT, SaleState.QUOTATION})
"""States of a sale that is not yet confirmed: nothing is sent for it."""
_CUSTOMER: Final = "Customer: "
_EMAIL: Final = "Email: "
_CANCELLED: Final = "Cancelled in the shop."
_END: Final = "The lines above come from the shop's order. Please leave them as they are."
EXACT_FLOATS: Final = 2**53
_AT_HAND: Final = frozenset({"assigned", "picked", "packed"})


class NoOrder(ValueError):
    """The sale has content that an order cannot have, named by `reason`."""

    def __init__(self, reason: MessageText) -> None:
        super().__init__(reason)
        self.reason = reason


class Currency(msgspec.Struct, frozen=True):
    code: str


class SaleLine(msgspec.Struct, frozen=True):
    class Coded(msgspec.Struct, frozen=True):
        code: str | None = None

    type: str
    quantity: msgspec.Raw  # a number or null
    unit_price: msgspec.Raw  # a `Number` or null
    id: int = 0
    product: Coded | None = msgspec.field(name="product.", default=None)


class ShippedMove(msgspec.Struct, frozen=True):
    """`origin` names what is shipped, such as `sale.line,7`."""

    id: int
    state: str
    quantity: msgspec.Raw
    origin: str | None = None
    product: SaleLine.Coded | None = msgspec.field(name="product.", default=None)


class SaleShipment(msgspec.Struct, frozen=True):
    """A shipment to a customer. Snapshots stored before shipments were reported have no number."""

    state: str
    create_date: TrytonMoment | None = None
    write_date: TrytonMoment | None = None
    number: str | None = None
    moves: list[ShippedMove] = msgspec.field(name="outgoing_moves.", default_factory=list)


class Referenced(msgspec.Struct, frozen=True):
    id: int
    reference: str


class Sale(msgspec.Struct, frozen=True):
    id: int
    reference: str
    state: str
    shipment_state: str
    create_date: TrytonMoment
    write_date: TrytonMoment | None
    currency: Currency = msgspec.field(name="currency.")
    lines: list[SaleLine] = msgspec.field(name="lines.")
    shipments: list[SaleShipment] = msgspec.field(name="shipments.", default_factory=list)
    comment: str | None = None

    def dates(self) -> list[datetime]:
        """Dates of every change to the sale and its shipments. Raises ValueError for an impossible one."""
        moments = [self.create_date, self.write_date]
        moments += [moment for each in self.shipments for moment in (each.create_date, each.write_date)]
        return [moment.aware() for moment in moments if moment is not None]


async def find_sales(
    http: HttpCaller, session: TrytonSession, references: Sequence[str]
) -> dict[str, list[msgspec.Raw]]:
    """The company's sales by reference, oldest first."""
    domain = [["reference", "in", [*references]], ["company", "=", session.context["company"]]]
    rows = await session.call(
        http, list[msgspec.Raw], "model.sale.sale.search_read", domain, 0, None, [["id", "ASC"]], SALE_FIELDS
    )
    found: dict[str, list[msgspec.Raw]] = {reference: [] for reference in references}
    for row in rows:
        found.setdefault(decode_sale(row, Referenced).reference, []).append(row)
    return found


def decode_sale(raw: msgspec.Raw, shape: type[Shape]) -> Shape:
    """Raises PayloadInvalid."""
    try:
        return decode_json(raw, type=shape)
    except msgspec.DecodeError as problem:
        raise answer_changed("a sale", problem) from problem


def comment_of(order: OrderValue) -> str:
    """The buyer, as text of a sale: web customers are no parties of Tryton. Raises NoOrder."""
    for text in (order.customer, order.email):
        if "\n" in text or "\r" in text:
            raise NoOrder(reasons.SEVERAL_LINES.write())
        if not is_storable(text):
            raise NoOrder(reasons.BUYER_NOT_KEPT.write())
    return f"{_CUSTOMER}{order.customer}\n{_EMAIL}{order.email}\n{_END}"


def comment_with_buyer(sale: Sale, order: OrderValue) -> str:
    """The sale's comment with the order's buyer; what people wrote below the buyer stays. Raises NoOrder."""
    added = (sale.comment or "").partition(_END)[2]
    return comment_of(order) + added


def has_buyer(sale: Sale) -> bool:
    """Whether the sale was created from a shop's order."""
    try:
        _buyer(sale.comment or "")
    except NoOrder:
        return False
    return True


def is_cancelled_by_shop(sale: Sale) -> bool:
    """Whether the shop cancelled the order. A sale that people cancelled in Tryton still has the order's content; only
    its status shows the cancellation.
    """
    return sale.state == SaleState.CANCELLED and _CANCELLED in (sale.comment or "").splitlines()


def mark_cancelled(comment: str | None) -> str:
    return "\n".join(filter(None, (comment, _CANCELLED)))


def order_of(sale: Sale, delivery: str) -> OrderValue:
    """A sale as an order. `delivery`: code of the product that represents delivery charges, empty for none.

    Raises ValueError (NoOrder, InexactAmount, UnknownCurrency), and msgspec.DecodeError for numbers that are none.
    """
    if is_cancelled_by_shop(sale):
        return cancelled_order(sale.currency.code)
    customer, email = _buyer(sale.comment or "")
    lines, shipping = list[OrderLine](), "0"
    for line in sale.lines:
        if line.type != "line":
            continue
        code = line.product.code if line.product is not None else None
        if not code:
            raise NoOrder(reasons.NO_PRODUCT.write())
        read = OrderLine(code, _quantity(line.quantity), _price(line.unit_price))
        if code != delivery:
            lines.append(read)
        elif (shipping, read.quantity) == ("0", "1"):
            shipping = read.unit_price
        else:
            raise NoOrder(reasons.DELIVERY_TWICE.write())
    return OrderValue(sale.currency.code, customer, email, tuple(lines), shipping)


def status_of(sale: Sale) -> str:
    """A code of the element `order.status`. Tryton does not record when goods arrive, so no sale is “delivered”."""
    if sale.state in PENDING:
        return "open"
    if sale.state == SaleState.CANCELLED:
        return "cancelled"
    if sale.state == SaleState.DONE or sale.shipment_state == ShipmentState.SENT:
        return "shipped"
    if sale.shipment_state == ShipmentState.PARTIALLY_SHIPPED or any(each.state in _AT_HAND for each in sale.shipments):
        return "allocated"
    return "confirmed"


def _buyer(comment: str) -> tuple[str, str]:
    first, _, rest = comment.partition("\n")
    second = rest.partition("\n")[0]
    if not first.startswith(_CUSTOMER) or not second.startswith(_EMAIL):
        raise NoOrder(reasons.OTHER_COMMENT.write())
    return first.removeprefix(_CUSTOMER), second.removeprefix(_EMAIL)


def _quantity(raw: msgspec.Raw) -> str:
    text = bytes(raw).decode()
    if text == "null":
        raise NoOrder(reasons.NO_QUANTITY.write())
    if abs(number := parse_decimal(text)) > EXACT_FLOATS:
        raise NoOrder(reasons.BEYOND_FLOATS.write(number=text[:60]))
    return str(number)


def _price(raw: msgspec.Raw) -> str:
    number = decode_json(raw, type=Number | None)
    if number is None:
        raise NoOrder(reasons.NO_PRICE.write())
    return str(number.value())
