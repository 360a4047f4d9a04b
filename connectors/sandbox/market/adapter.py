"""Adapter of the sandbox market: a feed's acceptance proves nothing, listings do."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final
from urllib.parse import quote_plus, urlencode

import msgspec

from canonical.elements import PRICE, REFERENCE_ELEMENTS, STOCK
from canonical.keys import PRODUCT, ElementKey
from canonical.money import Money, number_text, parse_decimal, to_integer
from canonical.values import MoneyValue, QuantityValue, Value, minor_money, quantity
from connectors import messages
from connectors.batches import QUERY_BYTES, push_in_parts, read_in_parts
from connectors.http.errors import check_readable, failed_writes
from connectors.http.requests import endpoint, json_headers
from connectors.key_hints import explain_unknown
from connectors.offsets import TAIL
from connectors.ports import (
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    KeyPage,
    PayloadInvalid,
    WriteResult,
    WriteState,
)
from connectors.sandbox import reasons
from connectors.sandbox.market.messages import (
    Catalogue,
    Feed,
    FeedItem,
    FeedReceipt,
    Listings,
    MarketPrice,
    ShownListing,
    ShownPrice,
)
from foundation.decoding import ForeignDecoder, decode_json
from foundation.i18n.messages import text_of

_MARKET: Final = reasons.MARKET.write()
_REASONS: Final = {
    "unknown-sku": reasons.UNKNOWN_LISTING.write(),
    "wrong-currency": reasons.OTHER_CURRENCY.write(),
}


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Decoded cursor: the next page, and the last listings of the previous one."""

    number: Annotated[int, msgspec.Meta(ge=0)] = 0
    tail: list[str] = []


class SandboxMarket:
    max_batch = 250

    def __init__(self) -> None:
        self._receipt = ForeignDecoder(FeedReceipt)
        self._listings = ForeignDecoder(Listings)
        self._catalogue = ForeignDecoder(Catalogue)

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        refused = {index: refusal for index, write in enumerate(writes) if (refusal := _unwritable(write))}
        sendable = [write for index, write in enumerate(writes) if index not in refused]
        results = await push_in_parts(
            http,
            sendable,
            lambda caller, part: self._send(caller, config, part),
            _size_of_write,
            most_items=self.max_batch,
        )

        async def existing(keys: Sequence[str]) -> list[str]:
            readings = await self.read(http, config, [ElementKey(key, STOCK) for key in keys])
            return [reading.record_key for reading in readings if reading.value is not None]

        sent = iter(await explain_unknown(results, sendable, {_REASONS["unknown-sku"]}, existing))
        return [refused[index] if index in refused else next(sent) for index in range(len(writes))]

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        return await read_in_parts(
            keys,
            lambda part: self._read_part(http, config, part),
            _size_of_key,
            most_bytes=QUERY_BYTES - len(config.base_url),
            most_items=self.max_batch,
        )

    async def _send(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        response = await http.request(
            "POST",
            endpoint(config, "/feeds"),
            headers=json_headers(config.secrets["api_key"]),
            content=msgspec.json.encode(Feed([_item(write) for write in writes])),
        )
        if (failed := failed_writes(response, writes)) is not None:
            return failed
        try:
            rejected = {r.index: r.reason for r in self._receipt.decode(response.content).rejected}
        except msgspec.DecodeError:
            detail = messages.NOT_UNDERSTOOD.write(system=_MARKET)  # a reading determines whether it was applied
            return [WriteResult(w.key, WriteState.ACCEPTED, detail) for w in writes]
        return [
            WriteResult(w.key, WriteState.ACCEPTED) if index not in rejected else _refusal(w, rejected[index])
            for index, w in enumerate(writes)
        ]

    async def _read_part(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        query = urlencode([("sku", sku) for sku in dict.fromkeys(sku for sku, *_ in keys)])
        response = await http.request(
            "GET", endpoint(config, f"/listings?{query}"), headers=json_headers(config.secrets["api_key"])
        )
        check_readable(response, _MARKET)
        try:
            listings = self._listings.decode(response.content).listings
        except msgspec.DecodeError as problem:
            raise _changed("listings", problem) from problem
        if drift := _drift(listings):
            raise _changed("listings", drift)
        found: dict[str, list[ShownListing]] = {}
        for listing in listings:
            found.setdefault(listing.sku, []).append(listing)
        return [_reading(key, found.get(key.record_key, ())) for key in keys]

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        """The market lists by page number only. Listings that end during the reading shift later ones to earlier pages,
        so those are read again, back to the present position of the last ones read.
        """
        place = _place(cursor)
        page = await self._page(http, config, place.number)
        skus, back = list(page.skus), place.number
        while back and (back == place.number or not set(place.tail) & set(skus)):
            back -= 1
            skus = [*(await self._page(http, config, back)).skus, *skus]
        records = list(dict.fromkeys(skus))
        keys = [sku for sku in records if sku]
        following = msgspec.json.encode(_Place(page.following, list(page.skus[-TAIL:]))).decode()
        identity = "\0".join(page.skus)
        unkeyed = len(records) - len(keys)
        return KeyPage(keys, following, page.following > 0, unkeyed=unkeyed, identity=identity)

    async def _page(self, http: HttpCaller, config: ConnectionConfig, number: int) -> Catalogue:
        response = await http.request(
            "GET", endpoint(config, f"/catalogue/{number}"), headers=json_headers(config.secrets["api_key"])
        )
        check_readable(response, _MARKET)
        try:
            return self._catalogue.decode(response.content)
        except msgspec.DecodeError as problem:
            raise _changed("catalogue", problem) from problem


def _changed(what: str, error: Exception) -> PayloadInvalid:
    return PayloadInvalid(messages.ANSWER_CHANGED.write(system=_MARKET, what=what, error=text_of(error)))


def _place(cursor: str) -> _Place:
    """Decode a cursor. One of an older format, from before an update, restarts the list."""
    try:
        return decode_json(cursor, type=_Place) if cursor else _Place()
    except msgspec.DecodeError:
        return _Place()


def _unwritable(write: ChannelWrite) -> WriteResult | None:
    """A price that the market cannot list, such as one in a currency that ISO 4217 has dropped since."""
    try:
        _item(write)
    except ValueError as problem:
        return WriteResult(write.key, WriteState.REFUSED, reasons.CANNOT_LIST.write(error=text_of(problem)))
    return None


def _item(write: ChannelWrite) -> FeedItem:
    """Raises ValueError for a price that the currency cannot hold."""
    value, head = write.value, (write.record_key, write.version, write.idempotency_key)
    if not write.key.dimension and write.element == PRICE and isinstance(value, MoneyValue):
        price = Money.from_decimal(value.number, value.currency)
        return FeedItem(*head, price=MarketPrice(str(price.to_decimal()), value.currency))
    if not write.key.dimension and write.element == STOCK and isinstance(value, QuantityValue):
        return FeedItem(*head, quantity=to_integer(value.number))
    # An element that the market does not list is sent without a value, and the market rejects exactly that item.
    return FeedItem(*head, attribute=_attribute(write.key), value=value if _is_listed(write.key) else None)


def _is_listed(key: ElementKey) -> bool:
    return key.record_type == PRODUCT and key.element not in REFERENCE_ELEMENTS


def _attribute(key: ElementKey) -> str:
    return f"{key.element}@{key.dimension}"


def _refusal(write: ChannelWrite, reason: str) -> WriteResult:
    detail = _REASONS.get(reason) or reasons.ITEM_REJECTED.write(reason=reason)
    return WriteResult(write.key, WriteState.REFUSED, detail)


def _drift(listings: Sequence[ShownListing]) -> Exception | None:
    """Format drift: none of the listings has the fields of a price. Odd content of one listing is not drift."""
    reason: Exception | None = None
    for listing in listings:
        try:
            decode_json(listing.price, type=ShownPrice | None)
        except msgspec.DecodeError as problem:
            reason = reason or problem
        else:
            return None
    return reason


def _reading(key: ElementKey, listings: Sequence[ShownListing]) -> ChannelReading:
    if not listings or not _is_listed(key):
        return ChannelReading(key, None)
    if len(listings) > 1:
        return ChannelReading(key, None, unreadable=reasons.SEVERAL_LISTINGS.write(count=len(listings)))
    raw, revision, read = _shown(key, listings[0])
    if not bytes(raw):
        return ChannelReading(key, None)
    try:
        value = read(raw)
    except (msgspec.DecodeError, ValueError) as problem:
        text = bytes(raw)[:100].decode("utf-8", "replace")
        return ChannelReading(
            key,
            None,
            _revision(revision),
            unreadable=messages.SHOWN_UNREADABLE.write(text=text, reason=text_of(problem)),
        )
    return ChannelReading(key, value, _revision(revision))


def _shown(key: ElementKey, listing: ShownListing) -> tuple[msgspec.Raw, msgspec.Raw, Callable[[msgspec.Raw], Value]]:
    """The raw value of a key with its revision, and how to read it; empty where the listing has none."""
    if not key.dimension and key.element == PRICE:
        return listing.price, listing.price_revision, _price
    if not key.dimension and key.element == STOCK:
        return listing.quantity, listing.quantity_revision, _quantity
    found = listing.attributes.get(_attribute(key))
    if found is None:
        return msgspec.Raw(b""), msgspec.Raw(b"0"), _typed
    return found.value, msgspec.Raw(str(found.revision).encode()), _typed


def _typed(raw: msgspec.Raw) -> Value:
    value: Value = decode_json(raw, type=Value)
    return value


def _price(raw: msgspec.Raw) -> Value:
    shown = decode_json(raw, type=ShownPrice)
    exact = Money.from_text(number_text(bytes(shown.value)), decode_json(shown.currency, type=str))
    return minor_money(exact.minor, exact.currency)


def _quantity(raw: msgspec.Raw) -> Value:
    return quantity(to_integer(parse_decimal(number_text(bytes(raw)))))


def _revision(raw: msgspec.Raw) -> int | None:
    try:
        return decode_json(raw, type=int)
    except msgspec.DecodeError:
        return None


def _size_of_write(write: ChannelWrite) -> int:
    return len(msgspec.json.encode(_item(write))) + 1


def _size_of_key(key: ElementKey) -> int:
    return len("sku=&") + len(quote_plus(key.record_key))
