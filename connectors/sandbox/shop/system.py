"""The sandbox shop: batches of values, compare-and-swap by version, stored idempotency keys."""

import random
from itertools import islice

import msgspec

from canonical.orders import OrderValue, cancelled_order
from connectors.sandbox.catalogue import STOCK_ON_HAND, list_price, sku_of, title_of
from connectors.sandbox.effects import EffectLog, SandboxEffect
from connectors.sandbox.faults import Faults, FaultSource
from connectors.sandbox.http import Reply, Request, html_reply, json_reply, problem
from connectors.sandbox.orders import Numbers, PlacedOrder, PlacedOrders
from connectors.sandbox.plan import SystemPlan
from connectors.sandbox.shop.messages import Keys, NewShopValue, NewShopValues, Products, Shown, WriteOutcome
from connectors.sandbox.storefront import ShopRow, shop_page
from foundation.clock import utc_now
from foundation.decoding import JsonDecoder, decode_json

_APPLIED = WriteOutcome("applied")
_STALE = WriteOutcome("stale")
_UNKNOWN = WriteOutcome("unknown_sku")
_NEVER = Shown(version=-1)


class ShopSystem:
    kind = "sandbox-shop"

    def __init__(self, plan: SystemPlan, *, rng: random.Random) -> None:
        self.name = plan.name
        self.token = plan.token
        self.currency = currency = plan.currency
        self.faults = FaultSource(rng)
        self.log = EffectLog()
        self.titles = {sku_of(index): title_of(index) for index in range(plan.skus)}
        self.shown: dict[tuple[str, str], Shown] = {}
        for index in range(plan.skus):
            price = list_price(index, currency).minor
            self.shown[sku_of(index), "price"] = Shown(amount=price, currency=currency, version=0)
            self.shown[sku_of(index), "stock"] = Shown(amount=STOCK_ON_HAND, currency="", version=0)
        self.orders: list[PlacedOrder] = []
        self._write_decoder = JsonDecoder(NewShopValues)
        self._read_decoder = JsonDecoder(Keys)

    async def answer(self, request: Request) -> Reply:  # noqa: PLR0911 - one per address
        if (request.method, request.path) == ("GET", "/"):
            return html_reply(self._page())
        if request.bearer() != self.token:
            return problem(401, "The API key is missing or wrong.")
        try:
            match request.method, request.path:
                case "PUT", "/values":
                    return self._write(request)
                case "GET", "/products":
                    return self._list(request)
                case "GET", "/orders":
                    return self._list_orders(request)
                case "POST", "/orders":
                    return self._place(request)
                case "POST", "/orders/cancel":
                    return self._cancel(request)
                case "POST", "/values/read":
                    keys = self._read_decoder.decode(request.body).keys
                    return json_reply({"values": [self.shown.get(key) for key in keys]})
        except msgspec.DecodeError as wrong:
            return problem(422, str(wrong))
        return problem(404, "There is no such address in the sandbox shop.")

    async def control(self, request: Request) -> Reply:
        if (request.method, request.path) == ("GET", "/_effects"):
            return self.log.reply(request)
        return problem(404, "There is no such control in the sandbox shop.")

    async def close(self) -> None:
        return

    def _list(self, request: Request) -> Reply:
        try:
            start, size = (int(request.query.get(name, ["0"])[0]) for name in ("start", "size"))
        except ValueError:
            return problem(422, "start and size must be whole numbers.")
        skus = list(islice(self.titles, start, start + size))
        return json_reply(Products(skus, start + len(skus) < len(self.titles)))

    def _place(self, request: Request) -> Reply:
        """A shopper's order; the shop numbers it."""
        order, version = decode_json(request.body, type=OrderValue), len(self.orders) + 1
        self.orders.append(PlacedOrder(f"{self.name.upper()}-{1000 + version}", order, version, utc_now()))
        return json_reply(self.orders[-1], 201)

    def _cancel(self, request: Request) -> Reply:
        """The shopper, or a person in the shop, cancels an order."""
        for number in decode_json(request.body, type=Numbers).numbers:
            placed = next((one for one in self.orders if one.number == number), None)
            if placed is None:
                return problem(422, f"The shop has no order {number}.")
            order = cancelled_order(placed.order.currency)
            self.orders.append(PlacedOrder(number, order, len(self.orders) + 1, utc_now()))
        return json_reply({})

    def _list_orders(self, request: Request) -> Reply:
        try:
            cursor, limit = (int(request.query.get(name, ["0"])[0]) for name in ("cursor", "limit"))
        except ValueError:
            return problem(422, "cursor and limit must be whole numbers.")
        page = self.orders[cursor : cursor + limit]
        end = cursor + len(page)
        raw = [msgspec.Raw(msgspec.json.encode(order)) for order in page]
        return json_reply(PlacedOrders(raw, str(end), end < len(self.orders)))

    def _write(self, request: Request) -> Reply:
        values = self._write_decoder.decode(request.body).values
        self.log.requests += 1
        return json_reply({"results": [self._set(value, request.faults) for value in values]})

    def _set(self, value: NewShopValue, faults: Faults) -> WriteOutcome:
        self.log.received[value.key] += 1
        place = (value.sku, value.field)
        if value.sku not in self.titles and all(order.number != value.sku for order in self.orders):
            return _UNKNOWN
        current = self.shown.get(place, _NEVER)
        if value.value is None and value.currency != current.currency:
            return WriteOutcome("invalid", f"{value.field} of {value.sku} is kept in {current.currency or 'pieces'}.")
        if value.key in self.log.by_key:
            return _APPLIED
        if value.version <= current.version:
            return _STALE
        if self.faults.discards(faults, value.sku):
            self.log.discarded += 1
            return _APPLIED
        if value.value is None:
            self.shown[place] = Shown(amount=value.amount, currency=value.currency, version=value.version)
        else:
            self.shown[place] = Shown(value=value.value, version=value.version)
        self.log.record(SandboxEffect(value.sku, value.field, value.amount, value.version, value.key, value.value))
        return _APPLIED

    def _page(self) -> str:
        rows = [
            ShopRow(sku, title, self.shown[sku, "price"].amount, self.shown[sku, "stock"].amount)
            for sku, title in self.titles.items()
        ]
        return shop_page("Shop", self.currency, rows)
