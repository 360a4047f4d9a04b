"""The sandbox ERP: owns price, cost and stock, sends each change by webhook and logs changes for polling."""

import random
from bisect import bisect_right
from datetime import datetime
from urllib.parse import parse_qs

import msgspec

from canonical.elements import COST, ORDER_STATUS, PRICE, STOCK
from canonical.keys import PRODUCT
from canonical.money import Money, parse_decimal, to_integer
from canonical.orders import ORDER, OrderValue
from canonical.values import EnumerationValue, QuantityValue, Value
from connectors.sandbox.catalogue import STOCK_ON_HAND, cost_price, list_price, sku_of, title_of
from connectors.sandbox.effects import EffectLog, SandboxEffect
from connectors.sandbox.erp.messages import (
    SHIPMENT,
    TYPE_OF,
    ErpChange,
    ErpRecord,
    ErpShipment,
    NewErpShipment,
    NewErpValue,
    NewErpValues,
)
from connectors.sandbox.erp.webhooks import WebhookSender, WebhookTarget
from connectors.sandbox.faults import FaultSource
from connectors.sandbox.http import Reply, Request, html_reply, json_reply, problem
from connectors.sandbox.orders import NewOrder, NewOrders, Numbers
from connectors.sandbox.plan import SystemPlan
from connectors.sandbox.storefront import ErpRow, erp_page
from foundation.clock import Clock
from foundation.decoding import decode_json

_MAX_PAGE = 1000


class ErpSystem:
    """State in memory. Versions are microseconds of the commit, so they also grow across restarts."""

    kind = "sandbox-erp"

    def __init__(self, plan: SystemPlan, *, clock: Clock, rng: random.Random) -> None:
        self.name = plan.name
        self.token = plan.token  # the operator's: required for writes
        self.currency = currency = plan.currency
        self.faults = FaultSource(rng)
        self.titles = {sku_of(index): title_of(index) for index in range(plan.skus)}
        self.current: dict[tuple[str, str], ErpChange] = {}
        self.log: list[ErpRecord] = []
        self.versions: list[int] = []
        self.webhooks = WebhookSender(self.faults, clock)
        self.orders: dict[str, OrderValue] = {}
        self.effects = EffectLog()
        self._clock = clock
        for index in range(plan.skus):
            self._commit(sku_of(index), PRICE, list_price(index, currency).minor)
            self._commit(sku_of(index), COST, cost_price(currency).minor)
            self._commit(sku_of(index), STOCK, STOCK_ON_HAND)

    def set_values(self, values: list[NewErpValue]) -> list[ErpChange]:
        """Save values and send webhooks. Unchanged values count as changes too: an ERP saves what is entered."""
        changes = [self._save(value) for value in values]
        self.webhooks.notify(changes)
        return changes

    def ship(self, new: NewErpShipment) -> ErpShipment:
        """Save a shipment and send its webhook."""
        now = self._clock()
        fields = msgspec.structs.asdict(new)
        shipment = ErpShipment(**fields, type=SHIPMENT, version=self._next_version(now), committed_at=now)
        self._log(shipment)
        self.webhooks.notify([shipment])
        return shipment

    async def answer(self, request: Request) -> Reply:  # noqa: PLR0911 - one per address
        match request.method, request.path:
            case "GET", "/":
                return html_reply(self._page(request.query.get("token", [""])[0]))
            case "POST", "/":
                return self._save_form(request)
            case "GET", "/items":
                return json_reply({"items": self._items()})
            case "GET", "/changes":
                return self._poll(request)
            case ("PUT", "/orders") | ("POST", "/orders/read"):
                return self._serve_orders(request)
            case "POST", "/shipments":
                return self._save_shipment(request)
            case "POST" | "PUT" | "PATCH" | "DELETE", _:
                return self._write(request)
        return problem(404, "There is no such address in the sandbox ERP.")

    async def control(self, request: Request) -> Reply:
        match request.method, request.path:
            case "PUT", "/_webhook":
                self.webhooks.target = decode_json(request.body, type=WebhookTarget)
                return Reply(204)
            case "DELETE", "/_webhook":
                self.webhooks.target = None
                return Reply(204)
            case "GET", "/_deliveries":
                return json_reply(self.webhooks.counts)
            case "GET", "/_effects":
                return self.effects.reply(request)
        return problem(404, "There is no such control in the sandbox ERP.")

    async def close(self) -> None:
        await self.webhooks.close()

    def _save(self, new: NewErpValue) -> ErpChange:
        if new.value is None:
            return self._commit(new.sku, new.element, new.amount or 0)
        return self._commit(
            new.sku, new.element, None, value=new.value, dimension=new.dimension, record_type=new.record_type
        )

    def _commit(  # noqa: PLR0913 - keyword-only parts of a divided value
        self,
        sku: str,
        element: str,
        amount: int | None,
        *,
        value: Value | None = None,
        dimension: str = "",
        record_type: str = PRODUCT,
    ) -> ErpChange:
        now = self._clock()
        change = ErpChange(
            type=TYPE_OF.get(element, "value.changed"),
            sku=sku,
            element=element,
            amount=amount,
            currency="" if element == STOCK or amount is None else self.currency,
            value=value,
            dimension=dimension,
            record_type=record_type,
            version=self._next_version(now),
            committed_at=now,
            title=self.titles.get(sku, ""),
        )
        self.current[sku, _place(element, dimension, record_type)] = change
        self._log(change)
        return change

    def _next_version(self, now: datetime) -> int:
        return max(self.versions[-1] + 1 if self.versions else 0, _microseconds(now))

    def _log(self, record: ErpRecord) -> None:
        self.log.append(record)
        self.versions.append(record.version)

    def _items(self) -> list[dict[str, object]]:
        return [
            {"sku": sku, "title": title, **{element: self.current[sku, element] for element in (PRICE, COST, STOCK)}}
            for sku, title in self.titles.items()
        ]

    def _poll(self, request: Request) -> Reply:
        try:
            cursor = int(request.query.get("cursor", ["0"])[0])
            limit = min(int(request.query.get("limit", ["500"])[0]), _MAX_PAGE)
        except ValueError:
            return problem(422, "cursor and limit must be whole numbers.")
        start = bisect_right(self.versions, cursor)
        changes = self.log[start : start + max(limit, 1)]
        end = str(changes[-1].version if changes else cursor)
        return json_reply({"changes": changes, "cursor": end, "more": start + len(changes) < len(self.log)})

    def _write(self, request: Request) -> Reply:
        if request.bearer() != self.token:
            return problem(403, "Price, cost and stock are owned by the ERP: only its operator may change them.")
        if (request.method, request.path) != ("POST", "/changes"):
            return problem(404, "Values are changed with POST /changes, shipments with POST /shipments.")
        try:
            values = decode_json(request.body, type=NewErpValues).changes
        except msgspec.DecodeError as wrong:
            return problem(422, str(wrong))
        if unknown := [value.sku for value in values if value.record_type == PRODUCT and value.sku not in self.titles]:
            return problem(422, f"The ERP does not know {unknown[0]}.")
        if changed := [value.sku for value in values if self._is_changed(value)]:
            return problem(409, f"{changed[0]} has another value meanwhile.")
        return json_reply({"changes": self.set_values(values)})

    def _save_shipment(self, request: Request) -> Reply:
        if request.bearer() != self.token:
            return problem(403, "Shipments are made in the ERP: only its operator may change them.")
        try:
            return json_reply(self.ship(decode_json(request.body, type=NewErpShipment)))
        except msgspec.DecodeError as wrong:
            return problem(422, str(wrong))

    def _serve_orders(self, request: Request) -> Reply:
        if request.bearer() != self.token:
            return problem(401, "The API key is missing or wrong.")
        try:
            if request.method == "PUT":
                return self._create_orders(decode_json(request.body, type=NewOrders).orders)
            numbers = decode_json(request.body, type=Numbers).numbers
        except (msgspec.DecodeError, ValueError) as wrong:
            return problem(422, str(wrong))
        return json_reply({"orders": [self.orders.get(number) for number in numbers]})

    def _create_orders(self, orders: list[NewOrder]) -> Reply:
        """Create orders, each number once. A known order is not overwritten; it can only be cancelled."""
        self.effects.requests += 1
        for new in orders:
            self.effects.received[new.key] += 1
            known = self.orders.get(new.number)
            if known is None or (new.order.is_cancelled and known != new.order):
                self.orders[new.number] = new.order
                self.effects.record(SandboxEffect(new.number, "order", 0, 0, new.key, new.order))
                if new.order.is_cancelled:
                    self._report_status(new.number, "cancelled")
        return json_reply({"created": len(self.orders)})

    def _report_status(self, number: str, code: str) -> None:
        self.set_values([NewErpValue(number, ORDER_STATUS, value=EnumerationValue(code), record_type=ORDER)])

    def _is_changed(self, value: NewErpValue) -> bool:
        known = self.current.get((value.sku, _place(value.element, value.dimension, value.record_type)))
        return value.expected is not None and (known is None or known.amount != value.expected)

    def _save_form(self, request: Request) -> Reply:
        fields = parse_qs(request.body.decode("utf-8", "replace"))
        token, sku, element = (fields.get(name, [""])[0] for name in ("token", "sku", "element"))
        if token != self.token:
            return problem(403, "Price, cost and stock are owned by the ERP: only its operator may change them.")
        try:
            amount = self._typed(element, fields.get("amount", [""])[0].strip())
            value = msgspec.convert({"sku": sku, "element": element, "amount": amount}, NewErpValue)
        except ValueError as wrong:
            return problem(422, str(wrong))
        if sku not in self.titles or element not in TYPE_OF:
            return problem(422, f"The ERP does not know {sku}.")
        self.set_values([value])
        return Reply(303, headers=((b"location", f"/{self.name}/?token={token}".encode()),))

    def _typed(self, element: str, text: str) -> int:
        """Input format: prices and costs in the currency, pieces as an integer."""
        if element == STOCK:
            return to_integer(parse_decimal(text))
        return Money.from_text(text, self.currency).minor

    def _shown(self, sku: str, element: str) -> int:
        """Minor units or pieces; 0 for a value of another type."""
        entered = self.current[sku, element]
        return int(entered.value.number) if isinstance(entered.value, QuantityValue) else entered.amount or 0

    def _page(self, token: str) -> str:
        rows = [
            ErpRow(sku, title, *(self._shown(sku, element) for element in (PRICE, COST, STOCK)))
            for sku, title in self.titles.items()
        ]
        return erp_page(rows, self.currency, token if token == self.token else "")


def _place(element: str, dimension: str, record_type: str) -> str:
    return element if not dimension and record_type == PRODUCT else f"{element}@{dimension}@{record_type}"


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
