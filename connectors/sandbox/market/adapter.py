"""The sandbox market behind the port: a feed's acceptance proves nothing, listings do."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote_plus, urlencode

import msgspec

from canonical.elements import PRICE, STOCK, Value
from canonical.money import InexactAmount, Money, UnknownCurrency, number_text
from connectors.batches import QUERY_BYTES, push_in_parts, read_in_parts
from connectors.port import (
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    KeyPage,
    PayloadInvalid,
    WriteResult,
    WriteState,
)
from connectors.requests import endpoint, json_headers
from connectors.responses import check_readable, failed_writes
from connectors.sandbox.market.messages import Catalogue, Feed, FeedItem, FeedReceipt, Listing, Listings, Price
from foundation.decoding import JsonDecoder

_REASONS: Final = {
    "unknown-sku": "The market has no listing with this SKU. Create it there, or unmap the record.",
    "wrong-currency": "The market lists this product in another currency.",
}


class SandboxMarket:
    max_batch = 250

    def __init__(self) -> None:
        self._receipt = JsonDecoder(FeedReceipt)
        self._listings = JsonDecoder(Listings)
        self._catalogue = JsonDecoder(Catalogue)

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        return await push_in_parts(
            writes, lambda part: self._send(http, config, part), _size_of_write, most_items=self.max_batch
        )

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[tuple[str, str]]
    ) -> list[ChannelReading]:
        return await read_in_parts(
            keys,
            lambda part: self._ask(http, config, part),
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
            detail = "The market's receipt could not be understood."
            return [WriteResult(w.record_key, w.element, WriteState.RETRY, detail) for w in writes]
        return [
            WriteResult(w.record_key, w.element, WriteState.ACCEPTED)
            if index not in rejected
            else _refusal(w, rejected[index])
            for index, w in enumerate(writes)
        ]

    async def _ask(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[tuple[str, str]]
    ) -> list[ChannelReading]:
        query = urlencode([("sku", sku) for sku in dict.fromkeys(sku for sku, _ in keys)])
        response = await http.request(
            "GET", endpoint(config, f"/listings?{query}"), headers=json_headers(config.secrets["api_key"])
        )
        check_readable(response, "The market")
        try:
            found = {listing.sku: listing for listing in self._listings.decode(response.content).listings}
        except msgspec.DecodeError as problem:
            raise PayloadInvalid(f"The market's listings no longer have the agreed form: {problem}.") from problem
        return [_reading(sku, element, found.get(sku)) for sku, element in keys]

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        response = await http.request(
            "GET", endpoint(config, f"/catalogue/{cursor or 0}"), headers=json_headers(config.secrets["api_key"])
        )
        check_readable(response, "The market")
        try:
            page = self._catalogue.decode(response.content)
        except msgspec.DecodeError as problem:
            raise PayloadInvalid(f"The market's catalogue no longer has the agreed form: {problem}.") from problem
        return KeyPage(page.skus, str(page.following), more=page.following > 0)


def _item(write: ChannelWrite) -> FeedItem:
    value = write.value
    if write.element == PRICE:
        price = Price(str(Money(value.amount, value.currency).to_decimal()), value.currency)
        return FeedItem(write.record_key, write.version, write.idempotency_key, price=price)
    # Anything but stock leaves without a value, and the market rejects exactly that item.
    quantity = value.amount if write.element == STOCK else None
    return FeedItem(write.record_key, write.version, write.idempotency_key, quantity=quantity)


def _refusal(write: ChannelWrite, reason: str) -> WriteResult:
    detail = _REASONS.get(reason, f"The market rejected the item: {reason}.")
    return WriteResult(write.record_key, write.element, WriteState.REFUSED, detail)


def _reading(sku: str, element: str, listing: Listing | None) -> ChannelReading:
    if listing is None or element not in (PRICE, STOCK):
        return ChannelReading(sku, element, None)
    if element == STOCK:
        return ChannelReading(sku, element, Value(listing.quantity), listing.quantity_revision)
    text, currency = number_text(bytes(listing.price.value)), listing.price.currency
    try:
        money = Money.from_text(text, currency)
    except (InexactAmount, UnknownCurrency) as problem:
        unreadable = f"{text[:60]} {currency[:20]} ({problem})"
        return ChannelReading(sku, element, None, listing.price_revision, unreadable=unreadable)
    return ChannelReading(sku, element, Value(money.minor, money.currency), listing.price_revision)


def _size_of_write(write: ChannelWrite) -> int:
    return len(msgspec.json.encode(_item(write))) + 1


def _size_of_key(key: tuple[str, str]) -> int:
    return len("sku=&") + len(quote_plus(key[0]))
