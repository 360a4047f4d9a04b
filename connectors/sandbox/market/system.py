"""The sandbox market: accepts feeds at once, applies them later, and the highest revision wins."""

import asyncio
import random
from itertools import islice
from typing import Final

import msgspec

from canonical.money import InexactAmount, Money
from canonical.values import Value
from connectors.sandbox.catalogue import STOCK_ON_HAND, list_price, sku_of, title_of
from connectors.sandbox.effects import EffectLog, SandboxEffect
from connectors.sandbox.faults import Faults, FaultSource
from connectors.sandbox.http import Reply, Request, html_reply, json_reply, problem
from connectors.sandbox.market.messages import (
    Catalogue,
    Feed,
    FeedItem,
    FeedReceipt,
    Listing,
    MarketPrice,
    Rejection,
    ShownAttribute,
    ShownPrice,
)
from connectors.sandbox.plan import SystemPlan
from connectors.sandbox.storefront import ShopRow, shop_page
from foundation.decoding import JsonDecoder, decode_json

_PAGE: Final = 500


class _Attribute(msgspec.Struct):
    amount: int
    revision: int = 0
    reference: str = ""


class _Extra(msgspec.Struct):
    """Any attribute but price and quantity."""

    value: Value
    revision: int


class MarketSystem:
    kind = "sandbox-market"

    def __init__(self, plan: SystemPlan, *, rng: random.Random) -> None:
        self.name = plan.name
        self.token = plan.token
        self.currency = currency = plan.currency
        self.delay_seconds = plan.delay_seconds
        self.faults = FaultSource(rng)
        self.log = EffectLog()
        self.titles = {sku_of(index): title_of(index) for index in range(plan.skus)}
        self.prices = {sku_of(index): _Attribute(list_price(index, currency).minor) for index in range(plan.skus)}
        self.quantities = {sku_of(index): _Attribute(STOCK_ON_HAND) for index in range(plan.skus)}
        self.extras: dict[str, dict[str, _Extra]] = {}
        self._feeds = 0
        self._pending: dict[str, tuple[asyncio.TimerHandle, list[FeedItem], Faults]] = {}
        self._feed_decoder = JsonDecoder(Feed)

    async def answer(self, request: Request) -> Reply:  # noqa: PLR0911 - one per address
        if (request.method, request.path) == ("GET", "/"):
            return html_reply(self._page())
        if request.bearer() != self.token:
            return problem(401, "The API key is missing or wrong.")
        match request.method, request.path.split("/"):
            case "POST", ["", "feeds"]:
                return self._take_feed(request)
            case "GET", ["", "feeds", feed_id]:
                return json_reply({"feed_id": feed_id, "status": "processing" if feed_id in self._pending else "done"})
            case "GET", ["", "catalogue", page]:
                return self._catalogue(page)
            case "GET", ["", "listings"]:
                found = [self._listing(sku) for sku in request.query.get("sku", []) if sku in self.titles]
                return json_reply({"listings": found})
        return problem(404, "There is no such address in the sandbox market.")

    async def control(self, request: Request) -> Reply:
        match request.method, request.path:
            case "GET", "/_effects":
                return self.log.reply(request)
            case "PUT", "/_delay":
                self.delay_seconds = decode_json(request.body, type=float)
                for feed_id, (handle, items, faults) in list(self._pending.items()):  # restart pending delays
                    handle.cancel()
                    self._apply_later(feed_id, items, faults)
                return Reply(204)
        return problem(404, "There is no such control in the sandbox market.")

    async def close(self) -> None:
        for handle, _, _ in self._pending.values():
            handle.cancel()
        self._pending.clear()

    def _catalogue(self, page: str) -> Reply:
        if not page.isdecimal():
            return problem(422, "A page is a whole number.")
        start = int(page) * _PAGE
        skus = list(islice(self.titles, start, start + _PAGE))
        return json_reply(Catalogue(skus, int(page) + 1 if start + _PAGE < len(self.titles) else 0))

    def _take_feed(self, request: Request) -> Reply:
        try:
            items = self._feed_decoder.decode(request.body).items
        except msgspec.DecodeError as wrong:
            return problem(422, str(wrong))
        self.log.requests += 1
        self._feeds += 1
        feed_id = f"feed-{self._feeds}"
        rejected, taken = [], []
        for index, item in enumerate(items):
            self.log.received[item.reference] += 1
            if reason := self._fault_of(item):
                rejected.append(Rejection(index, reason))
            else:
                taken.append(item)
        self._apply_later(feed_id, taken, request.faults)
        return json_reply(FeedReceipt(feed_id, rejected), 202)

    def _apply_later(self, feed_id: str, items: list[FeedItem], faults: Faults) -> None:
        if not self.delay_seconds:
            self._apply(feed_id, items, faults)
            return
        handle = asyncio.get_running_loop().call_later(self.delay_seconds, self._apply, feed_id, items, faults)
        self._pending[feed_id] = handle, items, faults

    def _fault_of(self, item: FeedItem) -> str:
        if item.sku not in self.titles:
            return "unknown-sku"
        if item.value is not None and item.attribute:
            return ""
        if (item.price is None) is (item.quantity is None):
            return "needs-price-or-quantity"
        if item.price is not None and item.price.currency != self.currency:
            return "wrong-currency"
        return "" if item.price is None or _is_exact(item.price) else "inexact-price"

    def _apply(self, feed_id: str, items: list[FeedItem], faults: Faults) -> None:
        self._pending.pop(feed_id, None)
        for item in items:
            if item.value is not None:
                self._apply_extra(item, item.value, faults)
                continue
            if item.price is not None:
                field, current = "price", self.prices[item.sku]
                amount = Money.from_text(item.price.value, self.currency).minor
            else:
                field, current = "quantity", self.quantities[item.sku]
                amount = item.quantity or 0
            if item.revision <= current.revision:
                continue
            if self.faults.discards(faults, item.sku):
                self.log.discarded += 1
                continue
            current.amount, current.revision, current.reference = amount, item.revision, item.reference
            self.log.record(SandboxEffect(item.sku, field, amount, item.revision, item.reference))

    def _apply_extra(self, item: FeedItem, value: Value, faults: Faults) -> None:
        extras = self.extras.setdefault(item.sku, {})
        known = extras.get(item.attribute)
        if known is not None and item.revision <= known.revision:
            return
        if self.faults.discards(faults, item.sku):
            self.log.discarded += 1
            return
        extras[item.attribute] = _Extra(value, item.revision)
        self.log.record(SandboxEffect(item.sku, item.attribute, 0, item.revision, item.reference, value))

    def _listing(self, sku: str) -> Listing:
        price, quantity = self.prices[sku], self.quantities[sku]
        text = str(Money(price.amount, self.currency).to_decimal())
        shown = ShownPrice(*(msgspec.Raw(msgspec.json.encode(each)) for each in (text, self.currency)))
        extras = {
            name: ShownAttribute(msgspec.Raw(msgspec.json.encode(extra.value)), extra.revision)
            for name, extra in self.extras.get(sku, {}).items()
        }
        return Listing(sku, shown, price.revision, quantity.amount, quantity.revision, extras)

    def _page(self) -> str:
        rows = [
            ShopRow(sku, title, self.prices[sku].amount, self.quantities[sku].amount)
            for sku, title in self.titles.items()
        ]
        return shop_page("Market", self.currency, rows)


def _is_exact(price: MarketPrice) -> bool:
    try:
        Money.from_text(price.value, price.currency)
    except InexactAmount:
        return False
    return True
