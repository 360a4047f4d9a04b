"""Orders in Tryton: one sale for each order, whatever happens between the calls; orders that Tryton cannot represent
are reported.

The server in memory stores sales as Tryton does. `tests/connectors/test_tryton_trade.py` runs on a real one.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from canonical.elements import ORDER_DOCUMENT, PRICE
from canonical.keys import ElementKey
from canonical.orders import ORDER, OrderLine, OrderValue, cancelled_order
from canonical.values import minor_money
from connectors.ports import ChannelReading, ChannelWrite, ConnectionConfig, HttpResponse, WriteResult, WriteState
from connectors.tryton.messages import tryton_moment
from connectors.tryton.orders import TrytonOrders
from connectors.tryton.session import Sessions
from foundation.i18n.messages import TEXT
from foundation.outbound.errors import OutboundUnavailable
from tests.connectors.test_tryton_clock import CONFIG, NOW, Answered, Server

KEY = ElementKey("SHOP-1001", ORDER_DOCUMENT, "", ORDER)
SETTINGS = {"customer_code": "WEB", "delivery_code": "DELIVERY", "warehouse_code": "BER"}
AN_ORDER = OrderValue(
    "USD", " Ada Lovelace", "ada@example.com",
    (OrderLine("P1", "2", "19.99"), OrderLine("P2", "1", "12.5"), OrderLine("P2", "1.5", "0.0001")), "4.9",
)  # fmt: skip
_STEPS = {
    "quote": ({"draft"}, "quotation"), "confirm": ({"quotation"}, "confirmed"),
    "draft": ({"quotation", "confirmed", "cancelled"}, "draft"), "cancel": ({"draft", "quotation"}, "cancelled"),
}  # fmt: skip


@dataclass
class Sales(Server):
    """`sales` by id. `lost`: the number of the call whose response is lost, after its effect or `before` it."""

    sales: dict[int, dict[str, Any]] = field(default_factory=dict)
    refuse: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lost: int = -1
    before: bool = False
    lines: int = 0
    codes: tuple[str, ...] = ("P1", "P2", "DELIVERY")

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        call = msgspec.json.decode(content or b"")
        name = call["method"].removeprefix("model.")
        self.calls.append(name)
        is_lost = len(self.calls) == self.lost
        if is_lost and self.before:
            raise OutboundUnavailable(TEXT.write(text="the server did not answer"), sent=True)
        if name in self.refuse:
            return Answered(msgspec.json.encode({"id": 1, "error": self.refuse[name]}), {})
        answer = await super().request(method, url, headers=headers, content=content)
        if is_lost:
            raise OutboundUnavailable(TEXT.write(text="the server did not answer"), sent=True)
        return answer

    def _answer(self, method: str, parameters: list[Any]) -> Any:  # noqa: C901, PLR0911 - one per method
        match method.removeprefix("model."):
            case "stock.location.search_read":
                return [{"id": 7, "storage_location": 3, "code": "BER", "name": "Berlin"}]
            case "party.party.search_read":
                return [{"id": 2}] if parameters[0] == [["code", "=", "WEB"]] else []
            case "currency.currency.search_read":
                return [{"id": 1}] if parameters[0] == [["code", "=", "USD"]] else []
            case "product.product.search_read":
                wanted = parameters[0][0][2]
                return [
                    {"id": place, "code": code, "sale_uom": 1}
                    for place, code in enumerate(self.codes)
                    if code in wanted
                ]
            case "sale.sale.on_change":
                return {"invoice_address": 5, "shipment_address": 6, "payment_term": None, "lines": [], "number": "no"}
            case "sale.line.on_change":
                return {"taxes": {"add": [[0, {"id": 9}]]}, "unit_price": {"decimal": "999"}}
            case "sale.sale.create":
                return [self.create(values) for values in parameters[0]]
            case "sale.sale.search_read":
                wanted = next(value for name, _, value in parameters[0] if name == "reference")
                return [sale for _, sale in sorted(self.sales.items()) if sale["reference"] in wanted]
            case "sale.sale.quote" | "sale.sale.confirm" | "sale.sale.draft" | "sale.sale.cancel" as pressed:
                before, after = _STEPS[pressed.rpartition(".")[2]]
                for id_ in parameters[0]:
                    if self.sales[id_]["state"] in before:
                        self.sales[id_]["state"] = after
                return None
            case "sale.sale.write":
                self.write(self.sales[parameters[0][0]], parameters[1])
                return None
        return super()._answer(method, parameters)

    def write(self, sale: dict[str, Any], values: dict[str, Any]) -> None:
        sale["comment"] = values.get("comment", sale["comment"])
        for act, given in values.get("lines", ()):
            assert sale["state"] == "draft", "Tryton deletes no line of another sale"
            if act == "delete":
                sale["lines."] = [line for line in sale["lines."] if line["id"] not in given]
            else:
                sale["lines."] += [self.line(each) for each in given]

    def line(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["taxes"] == [["add", [9]]]
        self.lines += 1
        return {
            "id": self.lines, "type": given["type"], "quantity": given["quantity"], "unit_price": given["unit_price"],
            "product.": {"code": self.codes[given["product"]]},
        }  # fmt: skip

    def create(self, values: dict[str, Any]) -> int:
        assert {name: values[name] for name in ("company", "party", "currency", "warehouse", "invoice_address")} == {
            "company": 1, "party": 2, "currency": 1, "warehouse": 7, "invoice_address": 5,
        }  # fmt: skip
        assert "number" not in values
        lines = [line for _, given in values.get("lines", ()) for line in given]
        id_ = len(self.sales) + 1
        self.sales[id_] = {
            "id": id_, "reference": values["reference"], "state": "draft", "shipment_state": "none",
            "comment": values["comment"].strip(), "currency.": {"code": "USD"}, "shipments.": [],
            "create_date": tryton_moment(NOW), "write_date": None,
            "lines.": [self.line(each) for each in lines],
        }  # fmt: skip
        return id_

    @property
    def states(self) -> list[str]:
        return [sale["state"] for sale in self.sales.values()]


def set_to(**settings: str) -> ConnectionConfig:
    return msgspec.structs.replace(CONFIG, settings={**CONFIG.settings, **SETTINGS, **settings})


def a_write(order: Any = AN_ORDER, key: ElementKey = KEY) -> ChannelWrite:
    return ChannelWrite(key, order, 1, "once")


async def push(server: Sales, *writes: ChannelWrite, **settings: str) -> list[WriteResult]:
    return await TrytonOrders(Sessions()).push(server, set_to(**settings), writes or [a_write()])


async def read(server: Sales, *keys: ElementKey) -> list[ChannelReading]:
    return await TrytonOrders(Sessions()).read(server, set_to(), keys or [KEY])


async def test_an_order_becomes_one_confirmed_sale_and_is_read_back_as_it_was() -> None:
    server = Sales()
    (result,) = await push(server)
    assert result == WriteResult(KEY, WriteState.ACCEPTED)
    assert server.states == ["confirmed"]
    assert [reading.value for reading in await read(server)] == [AN_ORDER]
    assert await push(server) == [result]
    assert server.states == ["confirmed"], "the same order again changes nothing"


async def number_of_calls() -> int:
    server = Sales()
    await push(server)
    return len(server.calls)


@pytest.mark.parametrize("before", [True, False])
async def test_a_lost_answer_never_creates_a_second_sale(before: bool) -> None:  # noqa: FBT001
    for lost in range(1, await number_of_calls() + 1):
        server = Sales(lost=lost, before=before)
        with pytest.raises(OutboundUnavailable):
            await push(server)
        assert await push(server) == [WriteResult(KEY, WriteState.ACCEPTED)]
        assert server.states == ["confirmed"], server.calls[lost - 1]
        assert [reading.value for reading in await read(server)] == [AN_ORDER]


@pytest.mark.parametrize("number", [" SHOP-1001", "SHOP-1001 ", "SHOP-1001\n"])
async def test_a_number_that_tryton_would_shorten_creates_no_sale(number: str) -> None:
    server, key = Sales(), ElementKey(number, ORDER_DOCUMENT, "", ORDER)
    for _ in range(2):
        (result,) = await push(server, a_write(key=key))
        assert (result.state, "spaces" in result.detail) == (WriteState.REFUSED, True)
    assert server.sales == {}


class Forgetful(Sales):
    def create(self, values: dict[str, Any]) -> int:
        return len(values)


async def test_a_missing_sale_is_reported() -> None:
    (result,) = await push(Forgetful())
    assert (result.state, "none with this reference" in result.detail) == (WriteState.REFUSED, True)


async def test_two_sales_with_the_reference_are_never_confirmed() -> None:
    """A creation that ends after our search for the sale, and creates another one."""
    server = Sales(refuse={"sale.sale.quote": ["UserError", ["Not now.", "", None]]})
    await push(server)
    server.sales[2] = server.sales[1] | {"id": 2}
    server.refuse.clear()
    (result,) = await push(server)
    assert (result.state, "2 sales" in result.detail) == (WriteState.REFUSED, True)
    assert server.states == ["draft", "draft"]
    (reading,) = await read(server)
    assert (reading.value, "2 sales" in reading.unreadable) == (None, True)


async def test_a_sale_that_is_not_confirmed_is_not_shown_and_the_next_attempt_continues_with_it() -> None:
    server = Sales(refuse={"sale.sale.confirm": ["UserWarning", ["internal", "Are you sure?", ""]]})
    (result,) = await push(server)
    assert result.state is WriteState.REFUSED
    assert result.detail.endswith("Are you sure?")
    assert server.states == ["quotation"]
    assert await read(server) == [ChannelReading(KEY, None)]
    server.refuse.clear()
    assert await push(server) == [WriteResult(KEY, WriteState.ACCEPTED)]
    assert server.states == ["confirmed"]


@pytest.mark.parametrize("state", ["processing", "done", "cancelled"])
async def test_a_sale_that_people_work_with_is_left_alone(state: str) -> None:
    server = Sales()
    await push(server)
    server.sales[1]["state"] = state
    server.calls.clear()
    assert await push(server) == [WriteResult(KEY, WriteState.ACCEPTED)]
    assert server.states == [state]
    assert not {"sale.sale.create", "sale.sale.quote", "sale.sale.confirm"} & set(server.calls)
    other = msgspec.structs.replace(AN_ORDER, shipping="5")
    (result,) = await push(server, a_write(other))
    assert (result.state, f"its sale is {state} in Tryton" in result.detail) == (WriteState.REFUSED, True)
    assert result.detail.message.code == "tryton.sale_fixed"
    assert [reading.value for reading in await read(server)] == [AN_ORDER]


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"lines": (OrderLine("NO-1", "1", "1"), OrderLine("P1", "1", "1"))}, "no product with the code NO-1"),
        ({"lines": tuple(OrderLine(f"NO-{n}", "1", "1") for n in range(9))}, "NO-4 and others"),
        ({"currency": "CHF"}, "no currency CHF"),
        ({"customer": "Ada\nEmail: x"}, "several lines"),
        ({"email": "a\rb"}, "several lines"),
        ({"customer": "a\x00b"}, "cannot be stored"),
        ({"lines": (OrderLine("DELIVERY", "1", "1"),)}, "stands for delivery"),
        ({"lines": (OrderLine("P1", "9007199254740993", "1"),)}, "exactly"),
        ({"lines": (OrderLine("P1", "123456789012.123456789012", "1"),)}, "exactly"),
    ],
)
async def test_an_order_that_tryton_cannot_store_is_refused_and_nothing_is_created(
    order: dict[str, Any], sentence: str
) -> None:
    server = Sales()
    good = a_write(key=KEY._replace(record_key="SHOP-1"))
    bad, fine = await push(server, a_write(msgspec.structs.replace(AN_ORDER, **order)), good)
    assert (bad.state, sentence in bad.detail) == (WriteState.REFUSED, True), bad.detail
    assert fine.state is WriteState.ACCEPTED
    assert [sale["reference"] for sale in server.sales.values()] == ["SHOP-1"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"customer_code": ""}, "code of the party"),
        ({"customer_code": "NOBODY"}, "no party with the code NOBODY"),
        ({"delivery_code": ""}, "price of delivery"),
        ({"warehouse_code": "HAM"}, "0 warehouses in Tryton are called HAM"),
    ],
)
async def test_a_missing_setting_delays_orders_until_it_is_there(settings: dict[str, str], sentence: str) -> None:
    server = Sales()
    (result,) = await push(server, **settings)
    assert (result.state, sentence in result.detail, result.uncertain) == (WriteState.RETRY, True, False)
    assert await push(server) == [WriteResult(KEY, WriteState.ACCEPTED)]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (["UserError", ["The address is missing.", "Enter one.", None]], WriteState.REFUSED),
        (["database is locked", "Traceback …"], WriteState.RETRY),
        ("odd", WriteState.RETRY),
    ],
)
async def test_rule_violations_are_refused_and_server_failures_retried(error: Any, state: WriteState) -> None:
    server = Sales(refuse={"sale.sale.create": error})
    (result,) = await push(server)
    assert result.state is state
    assert "Traceback" not in result.detail or state is WriteState.RETRY
    assert server.sales == {}


async def test_nothing_but_orders_is_written() -> None:
    server = Sales()
    price = ChannelWrite(ElementKey("P1", PRICE), minor_money(100, "USD"), 1, "once")
    (result,) = await push(server, price)
    assert result.state is WriteState.REFUSED
    assert server.calls == []
    assert await read(server, price.key) == [ChannelReading(price.key, None)]


@pytest.mark.parametrize(
    "change",
    [
        {"comment": "Ada called"},
        {"comment": None},
        {"lines.": []},
        {"currency.": {"code": "XXX"}},
        {"lines.": [{"type": "line", "quantity": None, "unit_price": {"decimal": "1"}, "product.": {"code": "P1"}}]},
        {"lines.": [{"type": "line", "quantity": 1.0, "unit_price": None, "product.": {"code": "P1"}}]},
        {"lines.": [{"type": "line", "quantity": 1.0, "unit_price": {"decimal": "1"}, "product.": None}]},
        {"lines.": [{"type": "line", "quantity": 1.0, "unit_price": {"decimal": "NaN"}, "product.": {"code": "P1"}}]},
        {"lines.": [{"type": "line", "quantity": 1e17, "unit_price": {"decimal": "1"}, "product.": {"code": "P1"}}]},
        {
            "lines.": [
                {"type": "line", "quantity": 1.0, "unit_price": {"decimal": "1"}, "product.": {"code": "DELIVERY"}}
            ]
        },
    ],
)
async def test_an_invalid_sale_is_reported_and_verifies_nothing(change: dict[str, Any]) -> None:
    server = Sales()
    other = KEY._replace(record_key="SHOP-2")
    await push(server, a_write(), a_write(key=other))
    server.sales[1] |= change
    bad, good = await read(server, KEY, other)
    assert (bad.value, bool(bad.unreadable)) == (None, True)
    assert good.value == AN_ORDER


async def test_people_may_add_titles_and_remarks() -> None:
    server = Sales()
    await push(server)
    server.sales[1]["comment"] += "\nCall before delivery."
    server.sales[1]["lines."].append({"type": "comment", "quantity": None, "unit_price": None, "product.": None})
    assert [reading.value for reading in await read(server)] == [AN_ORDER]


OTHER = msgspec.structs.replace(AN_ORDER, customer="Ada King", lines=(OrderLine("P1", "3", "18"),), shipping="0")
CANCELLED = cancelled_order("USD")


@pytest.mark.parametrize("state", ["draft", "quotation", "confirmed"])
async def test_a_sale_that_is_not_processed_yet_gets_the_new_content(state: str) -> None:
    """Text that people added to the sale is preserved, and the sale is confirmed again."""
    server = Sales()
    await push(server)
    remark = {"id": 99, "type": "comment", "quantity": None, "unit_price": None, "product.": None}
    server.sales[1]["lines."].append(remark)
    server.sales[1] |= {"state": state, "comment": server.sales[1]["comment"] + "\nCall before delivery."}
    assert await push(server, a_write(OTHER)) == [WriteResult(KEY, WriteState.ACCEPTED)]
    assert server.states == ["confirmed"]
    assert [reading.value for reading in await read(server)] == [OTHER]
    assert server.sales[1]["lines."][0] == remark
    assert server.sales[1]["comment"].endswith("\nCall before delivery.")


async def test_a_sale_of_somebody_else_with_the_number_is_never_amended() -> None:
    server = Sales()
    await push(server)
    server.sales[1] |= {"state": "draft", "comment": "Ordered by telephone."}
    (result,) = await push(server, a_write(OTHER))
    assert (result.state, result.detail.message.code) == (WriteState.REFUSED, "tryton.other_content")
    assert server.states == ["draft"]


class Processing(Sales):
    """Processes a sale just before it is changed."""

    def _answer(self, method: str, parameters: list[Any]) -> Any:
        if method == "model.sale.sale.draft":
            self.sales[1]["state"] = "processing"
        return super()._answer(method, parameters)


@pytest.mark.parametrize(("order", "code"), [(OTHER, "tryton.sale_fixed"), (CANCELLED, "tryton.cancelled_too_late")])
async def test_a_sale_that_is_processed_meanwhile_is_left_alone(order: OrderValue, code: str) -> None:
    server = Processing()
    await push(server)
    (result,) = await push(server, a_write(order))
    assert (result.state, result.detail.message.code) == (WriteState.REFUSED, code)
    assert [reading.value for reading in await read(server)] == [AN_ORDER]


@pytest.mark.parametrize("state", ["draft", "quotation", "confirmed", "cancelled"])
async def test_an_order_that_the_shop_cancelled_is_cancelled_and_read_back_as_such(state: str) -> None:
    """Also if people cancelled it before. A replay of the order opens nothing again."""
    server = Sales()
    await push(server)
    server.sales[1]["state"] = state
    for _ in range(2):
        assert await push(server, a_write(CANCELLED)) == [WriteResult(KEY, WriteState.ACCEPTED)]
        assert server.states == ["cancelled"]
        assert [reading.value for reading in await read(server)] == [CANCELLED]
    assert server.sales[1]["comment"].count("Cancelled in the shop.") == 1
    (late,) = await push(server)
    assert (late.state, late.detail.message.code) == (WriteState.REFUSED, "tryton.sale_cancelled")
    assert server.states == ["cancelled"]


@pytest.mark.parametrize("state", ["processing", "done"])
async def test_an_order_that_is_fulfilled_already_is_not_cancelled(state: str) -> None:
    server = Sales()
    await push(server)
    server.sales[1]["state"] = state
    (result,) = await push(server, a_write(CANCELLED))
    assert (result.state, result.detail.message.code) == (WriteState.REFUSED, "tryton.cancelled_too_late")
    assert server.states == [state]


async def test_an_order_that_was_cancelled_before_it_came_is_not_created_later() -> None:
    server = Sales()
    assert await push(server, a_write(CANCELLED)) == [WriteResult(KEY, WriteState.ACCEPTED)]
    assert [reading.value for reading in await read(server)] == [CANCELLED]
    (late,) = await push(server)
    assert late.state is WriteState.REFUSED
    assert (server.states, server.sales[1]["lines."]) == (["cancelled"], [])


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("order", [OTHER, CANCELLED])
async def test_wherever_an_answer_is_lost_a_change_ends_the_same(order: OrderValue, before: bool) -> None:  # noqa: FBT001
    for lost in range(1, 20):
        server = Sales()
        await push(server)
        server.calls.clear()
        server.lost, server.before = lost, before
        with suppress(OutboundUnavailable):
            await push(server, a_write(order))
        server.lost = -1
        assert await push(server, a_write(order)) == [WriteResult(KEY, WriteState.ACCEPTED)]
        assert len(server.sales) == 1
        assert [reading.value for reading in await read(server)] == [order], server.calls[lost - 1 :]
