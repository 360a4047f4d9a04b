"""Polls of web orders' status: sales of the web customer that changed since a date."""

import hashlib
from datetime import datetime
from typing import Any, Final

import msgspec

from canonical.elements import ORDER_STATUS
from canonical.messages import Message, Observation
from canonical.orders import ORDER
from canonical.values import EnumerationValue
from connectors.content import read_content
from connectors.ports import HttpCaller, PayloadInvalid, Unreadable
from connectors.tryton import reasons
from connectors.tryton.cursor import EPOCH, Cursor, TrytonPage, checked, end_of_window
from connectors.tryton.messages import microseconds, tryton_moment
from connectors.tryton.sales import NoOrder, Referenced, Sale, decode_sale, find_sales, status_of
from connectors.tryton.session import TrytonSession
from connectors.tryton.settings import customer_code, orders_since, overlap_of
from connectors.tryton.shipments import shipments_of
from foundation.decoding import ForeignDecoder, decode_json
from foundation.i18n.messages import text_of

_PAGE: Final = 100  # sales
_CHANGE_FIELDS: Final = ("create_date", "write_date", "shipments.create_date", "shipments.write_date")


class SaleSnapshot(msgspec.Struct, frozen=True):
    """The sales with one reference as of `read_at`: normally one; several if somebody copied a reference."""

    read_at: datetime
    sales: list[msgspec.Raw]


class SaleReader:
    """Translation of snapshots of sales."""

    def __init__(self) -> None:
        self._snapshot = ForeignDecoder(SaleSnapshot)
        self._sale = ForeignDecoder(Sale)

    def reads(self, body: bytes) -> bool:
        """Whether `body` is a snapshot of sales."""
        try:
            self._snapshot.decode(body)
        except msgspec.DecodeError:
            return False
        return True

    def translate(self, body: bytes) -> list[Message]:
        """Raises PayloadInvalid."""
        snapshot = self._snapshot.decode(body)
        try:
            sale = self._only(snapshot)
            status, changed_at = EnumerationValue(status_of(sale)), max(sale.dates())
        except (msgspec.DecodeError, ValueError) as problem:
            reason = reasons.SALE_NOT_TAKEN.write(reason=text_of(problem))
            reference = _reference_in(snapshot)
            unreadable = [Unreadable(reference, ORDER_STATUS, reason, record_type=ORDER)] if reference else []
            raise PayloadInvalid(reason, unreadable=unreadable) from problem
        version = microseconds(snapshot.read_at)
        seen = Observation(
            sale.reference, ORDER_STATUS, status, version, changed_at, version_is_ours=True, record_type=ORDER
        )
        try:
            return [seen, *shipments_of(sale)]
        except (msgspec.DecodeError, ValueError) as problem:
            raise PayloadInvalid(reasons.SHIPMENT_NOT_READ.write(reason=text_of(problem)), messages=[seen]) from problem

    def _only(self, snapshot: SaleSnapshot) -> Sale:
        if (count := len(snapshot.sales)) != 1:
            raise NoOrder(reasons.SALES_SHARE.write(count=count))
        return self._sale.decode(snapshot.sales[0])


async def poll_sales(http: HttpCaller, session: TrytonSession, stored: Cursor, now: datetime) -> TrytonPage:
    """Poll sales from `stored`, whose `after` and dates refer to sales here."""
    place = checked(stored, now, overlap_of(session.config))
    if not place.after:
        until = end_of_window(now, session.clock)
        since = min(place.since, until)
        place = Cursor(since, 0, since, until)
    ids = await _find_changed(http, session, place)
    end = ids[_PAGE - 1] if len(ids) > _PAGE else None
    changed = set(ids[:_PAGE])
    payloads, upcoming = [], place.upcoming
    for sales in await _by_reference(http, session, sorted(changed)):
        dates = [date for raw in sales for date in _dates(raw)]
        upcoming = max([upcoming, *(date for date in dates if date <= place.until)])
        payloads.append(_payload(sales, now))
    following = Cursor(upcoming) if end is None else Cursor(place.since, end, upcoming, place.until)
    return TrytonPage(payloads, following, more=end is not None)


async def _find_changed(http: HttpCaller, session: TrytonSession, place: Cursor) -> list[int]:
    domain: list[Any] = [
        ["id", ">", place.after], ["company", "=", session.context["company"]],
        ["party.code", "=", customer_code(session.config)], ["reference", "!=", None], ["reference", "!=", ""],
    ]  # fmt: skip
    if day := orders_since(session.config):
        domain.append(["create_date", ">=", tryton_moment(day)])
    if place.since != EPOCH:
        since = tryton_moment(max(place.since - overlap_of(session.config), EPOCH))
        domain.append(["OR", *[[name, ">=", since] for name in _CHANGE_FIELDS]])
    return await session.call(http, list[int], "model.sale.sale.search", domain, 0, _PAGE + 1, [["id", "ASC"]])


async def _by_reference(http: HttpCaller, session: TrytonSession, ids: list[int]) -> list[list[msgspec.Raw]]:
    if not ids:
        return []
    rows = await session.call(http, list[msgspec.Raw], "model.sale.sale.read", ids, ["reference"])
    references = sorted({decode_sale(row, Referenced).reference for row in rows})
    return [sales for sales in (await find_sales(http, session, references)).values() if sales]


def _payload(sales: list[msgspec.Raw], now: datetime) -> tuple[str, bytes]:
    """The id has a hash of the content, as a product's: content may change without a newer date."""
    content = msgspec.json.encode([read_content(raw) for raw in sales], order="sorted")
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"sale/{decode_sale(sales[0], Referenced).id}/{digest}", msgspec.json.encode(SaleSnapshot(now, sales))


def _dates(raw: msgspec.Raw) -> list[datetime]:
    """None when the format has changed: the sale is passed on, and translation reports the drift."""
    try:
        return decode_json(raw, type=Sale).dates()
    except (msgspec.DecodeError, ValueError):
        return []


def _reference_in(snapshot: SaleSnapshot) -> str:
    try:
        return decode_json(snapshot.sales[0], type=Referenced).reference
    except (msgspec.DecodeError, IndexError):
        return ""
