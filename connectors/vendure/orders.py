"""Orders of Vendure, as a source: placed orders that changed since a date.

Vendure has no change log, so each poll reads the orders placed or changed since the last one, and a later reading is
newer regardless of dates. The dates are of the shop's clock: only those up to the start of a window, by our clock and
by the shop's Date header, become the next poll's position, and each window overlaps the last one by the length of long
transactions.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from canonical.amounts import canonical_amount
from canonical.elements import ORDER_DOCUMENT
from canonical.messages import Observation
from canonical.money import number_text
from canonical.orders import ORDER, OrderLine, OrderValue, cancelled_order
from connectors.content import read_content
from connectors.messages import CURSOR_UNKNOWN
from connectors.offsets import OffsetPage, read_by_offset
from connectors.ports import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage, SystemUnavailable, Unreadable
from connectors.vendure import reasons
from connectors.vendure.amounts import from_shop, read_whole
from connectors.vendure.messages import SHOP, Shop
from connectors.vendure.order_messages import (
    ORDERS,
    Instant,
    OrderPage,
    OrderSnapshot,
    VendureOrder,
    snapshot_bytes,
)
from connectors.vendure.session import GraphQlRefused, VendureSession, VendureSessions
from foundation.decoding import ForeignDecoder, decode_json
from foundation.i18n.messages import MessageText, text_of

_CANCELLED: Final = "Cancelled"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OVERLAP: Final = timedelta(minutes=5)
"""Longer than the shop's longest transaction."""
_TICK: Final = timedelta(seconds=1)
"""Date headers have no fraction."""


class InexpressibleOrder(ValueError):
    """The order has content that a canonical order cannot have, named by `reason`."""

    def __init__(self, reason: MessageText) -> None:
        super().__init__(reason)
        self.reason = reason


class OrderCursor(msgspec.Struct, frozen=True, array_like=True):
    """Poll position. `since`: everything up to it was read. Within a window: `place` continues its list, `upcoming` is
    the newest date so far that is not after `until`, the start of the window, and becomes the next `since`.
    """

    since: Instant = _EPOCH
    place: str = ""
    upcoming: Instant = _EPOCH
    until: Instant = _EPOCH


class _Known(msgspec.Struct, frozen=True, rename="camel"):
    """The identity of an order, available even if other fields are invalid."""

    id: str = ""
    code: str = ""
    updated_at: Instant = _EPOCH
    order_placed_at: Instant = _EPOCH

    @property
    def newest(self) -> datetime:
        return max(self.updated_at, self.order_placed_at)


class _Numbered(msgspec.Struct, frozen=True):
    class Order(msgspec.Struct, frozen=True):
        code: str

    order: Order


class VendureOrders:
    """Reads orders that shoppers placed, from the day that the connection names."""

    def __init__(self, sessions: VendureSessions | None = None) -> None:
        self._sessions = sessions or VendureSessions()
        self._snapshot = ForeignDecoder(OrderSnapshot)

    def translate(self, body: bytes) -> list[Observation]:
        try:
            snapshot = self._snapshot.decode(body)
            order = _value(snapshot.order, snapshot.precision)
        except (msgspec.DecodeError, ValueError, ArithmeticError) as problem:
            reason = reasons.ORDER_NOT_TAKEN.write(reason=text_of(problem))
            raise PayloadInvalid(reason, unreadable=_named(body, reason)) from problem
        placed, version = snapshot.order, _microseconds(snapshot.read_at)
        committed_at = max(placed.updated_at, placed.order_placed_at)
        return [
            Observation(
                placed.code, ORDER_DOCUMENT, order, version, committed_at, placed.id, order.customer,
                version_is_ours=True, record_type=ORDER,
            )
        ]  # fmt: skip

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        async def act(session: VendureSession) -> PollPage:
            if not config.settings.get("orders_since"):
                await session.query(http, SHOP, {}, Shop)  # whether the connection works
                return PollPage([], cursor, more=False)
            return await _poll(http, session, place, now)

        try:
            place = decode_json(cursor, type=OrderCursor) if cursor else OrderCursor()
        except msgspec.DecodeError as problem:
            raise PayloadInvalid(CURSOR_UNKNOWN.write(system="Vendure")) from problem
        try:
            return await self._sessions.run(http, config, act)
        except GraphQlRefused as problem:
            raise SystemUnavailable(reasons.ORDERS_REFUSED.write(reason=problem.reason)) from problem


async def _poll(http: HttpCaller, session: VendureSession, stored: OrderCursor, now: datetime) -> PollPage:
    place = (
        stored if stored.since <= now + _OVERLAP else OrderCursor()
    )  # of a clock that ran ahead, so changes may have been missed
    found: dict[str, tuple[_Known, str, bytes]] = {}
    variables = {
        "since": _moment(max(place.since - _OVERLAP, _EPOCH)),
        "placed": _moment(_first_day(session.config) - timedelta(milliseconds=1)),
    }

    async def fetch(skip: int) -> OffsetPage:
        page = await session.query_list(http, ORDERS, variables | {"skip": skip}, OrderPage)
        precision = page.global_settings.server_config.money_strategy_precision
        ids = []
        for raw in page.orders.items:
            known = _identify(raw)
            ids.append(known.id)
            found[known.id] = known, _external_id(known, precision, raw), snapshot_bytes(precision, now, raw)
        return OffsetPage(ids, more=skip + len(ids) < page.orders.total_items and bool(ids))

    stretch = await read_by_offset(place.place, fetch)
    until = place.until if place.place else min(now, (session.clock or now) + _TICK)
    if place.since > until:  # the shop's clock was set back: its new dates lie before our position
        return PollPage([], msgspec.json.encode(OrderCursor(until)).decode(), more=True)
    new = [found[id_] for id_ in stretch.page.ids[stretch.first :]]
    upcoming = max([place.since, place.upcoming, *(known.newest for known, _, _ in new if known.newest <= until)])
    following = (
        OrderCursor(place.since, stretch.cursor, upcoming, until) if stretch.page.more else OrderCursor(upcoming)
    )
    payloads = [(external_id, body) for _, external_id, body in new]
    return PollPage(payloads, msgspec.json.encode(following).decode(), more=stretch.page.more)


def _identify(raw: msgspec.Raw) -> _Known:
    """Identity of an order. An order without dates of the agreed form is passed on: translation reports the drift."""
    try:
        return decode_json(raw, type=_Known)
    except msgspec.DecodeError:
        return _Known(hashlib.sha256(raw).hexdigest())


def _external_id(known: _Known, precision: int, order: msgspec.Raw) -> str:
    """External id with a hash of the content: Vendure's dates do not move with every change."""
    content = {"order": read_content(order), "precision": precision}
    digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:16]
    return f"order/{known.code[:80]}/{known.newest:%Y%m%dT%H%M%S.%f}/{digest}"


def _value(placed: VendureOrder, precision: int) -> OrderValue:
    """Raises ValueError (InexpressibleOrder) or ArithmeticError for content that an order cannot represent exactly."""
    if placed.state == _CANCELLED:  # its lines have no pieces any more
        return cancelled_order(placed.currency_code)
    address = placed.shipping_address
    customer = placed.customer
    name = "" if customer is None else f"{customer.first_name} {customer.last_name}".strip()
    lines = [*_lines(placed, precision), *_surcharges(placed, precision)]
    order = OrderValue(
        placed.currency_code,
        name or (address.full_name or address.company or "" if address else ""),
        "" if customer is None else customer.email_address,
        tuple(lines),
        canonical_amount(from_shop(_whole(placed.shipping), precision)),
    )
    total = from_shop(_whole(placed.total), precision)
    if order.total != total:
        raise InexpressibleOrder(reasons.OTHER_TOTAL.write(sum=str(order.total), total=str(total)))
    return order


def _lines(placed: VendureOrder, precision: int) -> Iterator[OrderLine]:
    """Lines with exact unit prices. A price that its quantity does not divide, as after a discount of the whole order,
    makes two lines: 29.00 for three pieces are two of 9.67 and one of 9.66.
    """
    for line in placed.lines:
        quantity, price, sku = _whole(line.quantity), _whole(line.prorated_line_price), line.product_variant.sku
        if quantity < 0:
            raise InexpressibleOrder(reasons.NEGATIVE_QUANTITY.write(number=quantity, sku=sku))
        if not quantity:  # cancelled, or taken out
            continue
        if not sku:
            raise InexpressibleOrder(reasons.LINE_WITHOUT_SKU.write())
        each, dearer = divmod(price, quantity)
        for count, unit in ((quantity - dearer, each), (dearer, each + 1)):
            if count:
                yield OrderLine(sku, str(count), canonical_amount(from_shop(unit, precision)))


def _surcharges(placed: VendureOrder, precision: int) -> Iterator[OrderLine]:
    for surcharge in placed.surcharges:
        if not surcharge.sku:
            raise InexpressibleOrder(reasons.SURCHARGE_WITHOUT_SKU.write(text=surcharge.description[:60]))
        yield OrderLine(surcharge.sku, "1", canonical_amount(from_shop(_whole(surcharge.price), precision)))


def _whole(raw: msgspec.Raw) -> int:
    return read_whole(number_text(bytes(raw)))


def _named(body: bytes, reason: MessageText) -> list[Unreadable]:
    try:
        number = decode_json(body, type=_Numbered).order.code
    except msgspec.DecodeError:
        return []
    return [Unreadable(number, ORDER_DOCUMENT, reason, record_type=ORDER)] if number else []


def _first_day(config: ConnectionConfig) -> datetime:
    try:
        return datetime.fromisoformat(config.settings["orders_since"]).replace(tzinfo=UTC)
    except ValueError:
        raise SystemUnavailable(reasons.NO_DAY.write(text=config.settings["orders_since"][:20])) from None


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
