"""Translation of snapshots of products. The version of each observation is the time of its reading."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from canonical.dimensions import UNDIVIDED, parse_dimension, part_of
from canonical.elements import COST, DESCRIPTION, NAME, PRICE, STOCK
from canonical.messages import Observation
from canonical.money import InexactAmount, Money, UnknownCurrency, parse_decimal, to_integer
from canonical.values import InvalidValue, TextValue, Value, minor_money, quantity
from connectors.messages import SYSTEM_TEXT
from connectors.ports import PayloadInvalid, Unreadable
from connectors.tryton import reasons
from connectors.tryton.messages import LEFT_OUT, Divided, Number, Product, Snapshot, microseconds
from foundation.decoding import decode_json
from foundation.i18n.messages import MessageText, text_of
from foundation.text import is_storable

_EXACT_FLOATS: Final = 2**53
"""Tryton's quantities are floats; above this limit they skip integers."""


class _Wanted(NamedTuple):
    element: str
    dimension: str
    convert: Callable[[], Value | None]
    committed_at: datetime


class _Refused(Exception):
    """Tryton could not compute this value, or the value cannot be stored."""

    def __init__(self, reason: MessageText) -> None:
        super().__init__(reason)
        self.reason = reason


class _Stock(msgspec.Struct, frozen=True):
    quantity: msgspec.Raw


class _Texts(msgspec.Struct, frozen=True):
    class Template(msgspec.Struct, frozen=True):
        name: str | None = None

    template: Template = msgspec.field(name="template.")
    description: str | None = None


class _SalePrice(msgspec.Struct, frozen=True):
    sale_price_uom: msgspec.Raw  # a `Number` or null
    sale_uom: int | None
    default_uom: int | None


def observations_in(snapshot: Snapshot) -> list[Observation]:
    """Raises PayloadInvalid with the readable observations when some values are unreadable, and ValueError for
    impossible dates and dimensions.
    """
    product, version = snapshot.product, microseconds(snapshot.read_at)
    found, unreadable = [], []
    for wanted in _wanted(snapshot):
        try:
            value = wanted.convert()
        except (msgspec.DecodeError, InexactAmount, UnknownCurrency, InvalidValue, _Refused) as problem:
            unreadable.append(Unreadable(product.code, wanted.element, text_of(problem), wanted.dimension))
            continue
        if value is not None:
            found.append(
                Observation(
                    product.code, wanted.element, value, version, wanted.committed_at, str(product.id),
                    product.template.name or "", version_is_ours=True, dimension=wanted.dimension,
                )
            )  # fmt: skip
    if unreadable:
        raise PayloadInvalid(
            reasons.PRODUCT_NOT_TAKEN.write(product=product.code, named=[_named(each) for each in unreadable]),
            messages=found,
            unreadable=unreadable,
        )
    return found


def _wanted(snapshot: Snapshot) -> Iterator[_Wanted]:
    product, currency = snapshot.product, snapshot.currency
    price, cost = product.list_price_used, product.cost_price
    yield _Wanted(PRICE, UNDIVIDED, lambda: _money(price, currency), product.price_changed_at())
    yield _Wanted(COST, UNDIVIDED, lambda: _money(cost, currency), product.cost_changed_at())
    is_kept = product.type == "goods" and not product.consumable
    moved_at = snapshot.move.write_date.aware() if snapshot.move else snapshot.read_at
    if is_kept and not any(STOCK in part.elements for part in snapshot.divided):
        yield _Wanted(STOCK, UNDIVIDED, lambda: _on_hand(product.quantity), moved_at)
    for part in snapshot.divided:
        parse_dimension(part.dimension)
        for element in part.elements:
            if element != STOCK:
                yield _Wanted(element, part.dimension, _converter(part, element), _changed_at(product, element))
            elif is_kept:
                yield _Wanted(element, part.dimension, _converter(part, element), moved_at)


def _converter(part: Divided, element: str) -> Callable[[], Value | None]:
    def convert() -> Value | None:
        if part.refused:
            left_out = part.refused == LEFT_OUT
            raise _Refused(
                reasons.LEFT_OUT.write() if left_out else SYSTEM_TEXT.write(system="Tryton", text=part.refused)
            )
        if (read := _READERS.get(element)) is None:
            raise _Refused(reasons.NOT_DIVIDED.write())
        return read(part)

    return convert


def _changed_at(product: Product, element: str) -> datetime:
    """Time of change of a divided value. Prices follow both list price and cost: a price list may use either."""
    if element in (NAME, DESCRIPTION):
        return product.described_at()
    return max(product.price_changed_at(), product.cost_changed_at())


def _named(each: Unreadable) -> MessageText:
    element: object = {"code": each.element, "dimension": each.dimension} if each.dimension else each.element
    return reasons.NAMED_REASON.write(element=element, reason=each.reason)


def _money(raw: msgspec.Raw, currency: str) -> Value | None:
    number = decode_json(raw, type=Number | None)
    if number is None:
        return None
    money = Money.from_decimal(number.value(), currency)
    return minor_money(money.minor, money.currency)


def _on_hand(raw: msgspec.Raw) -> Value | None:
    """Stock in pieces; raises for fractions. Tryton rounds its sums to the unit's own digits, so a fraction is
    intended: channels sell pieces, and neither 12 nor 13 would be correct.
    """
    text = bytes(raw).decode()
    if text == "null":
        return None
    number = parse_decimal(text)
    if abs(number) > _EXACT_FLOATS:
        raise _Refused(reasons.BEYOND_FLOATS.write(number=text[:60]))
    if number != number.to_integral_value():
        raise _Refused(reasons.NOT_WHOLE.write(number=text[:60]))
    return quantity(to_integer(number))


def _text(text: str | None) -> Value | None:
    """None without a text: no observation then, rather than an empty text, which would delete a channel's own."""
    if not text:
        return None
    if not is_storable(text):
        raise _Refused(reasons.TEXT_NOT_KEPT.write())
    return TextValue(text)


def _sale_price(part: Divided) -> Value | None:
    read = decode_json(part.read, type=_SalePrice)
    if read.sale_uom != read.default_uom:
        raise _Refused(reasons.OTHER_UNIT.write())
    return _money(read.sale_price_uom, part_of(part.dimension, "currency"))


_READERS: Final[Mapping[str, Callable[[Divided], Value | None]]] = {
    STOCK: lambda part: _on_hand(decode_json(part.read, type=_Stock).quantity),
    NAME: lambda part: _text(decode_json(part.read, type=_Texts).template.name),
    DESCRIPTION: lambda part: _text(decode_json(part.read, type=_Texts).description),
    PRICE: _sale_price,
}
