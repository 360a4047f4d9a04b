"""Status of Tryton's sales, and completeness of their polls: a server in memory has the sales."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import ELEMENTS, ORDER_STATUS
from canonical.keys import ElementKey
from canonical.messages import Observation, ShipmentUpdated
from canonical.orders import ORDER
from canonical.values import EnumerationValue
from connectors.ports import PayloadInvalid, PollPage, SystemUnavailable
from connectors.tryton.adapter import Tryton
from connectors.tryton.cursor import Cursor
from connectors.tryton.messages import tryton_moment
from connectors.tryton.sale_poll import SaleSnapshot
from tests.connectors.running import observed
from tests.connectors.test_tryton_clock import NOW, STEP, Server, date_of
from tests.connectors.test_tryton_orders import set_to


def a_sale(id_: int, changed: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "reference": f"S-{id_}", "state": "processing", "shipment_state": "none", "comment": None,
        "currency.": {"code": "USD"}, "lines.": [], "shipments.": [], "create_date": tryton_moment(changed),
        "write_date": None, **more,
    }  # fmt: skip


@dataclass
class Orders(Server):
    sales: dict[int, dict[str, Any]] = field(default_factory=dict)
    domains: list[Any] = field(default_factory=list)

    def _answer(self, method: str, parameters: list[Any]) -> Any:
        match method:
            case "model.sale.sale.search":
                self.domains.append(parameters[0])
                after, since = parameters[0][0][2], None
                if parameters[0][-1][0] == "OR":
                    since = date_of(parameters[0][-1][1][2])
                found = [id_ for id_, sale in sorted(self.sales.items()) if id_ > after and self._is_new(sale, since)]
                return found[: parameters[2]]
            case "model.sale.sale.read":
                return [self.sales[id_] for id_ in parameters[0]]
            case "model.sale.sale.search_read":
                references = parameters[0][0][2]
                return [sale for _, sale in sorted(self.sales.items()) if sale["reference"] in references]
        return super()._answer(method, parameters)

    @staticmethod
    def _is_new(sale: dict[str, Any], since: datetime | None) -> bool:
        changed = date_of(sale["write_date"] or sale["create_date"])
        return since is None or (changed is not None and changed >= since)


async def progress(server: Orders, cursor: str, now: datetime) -> tuple[dict[str, str], str]:
    """Each order's status over all pages, and the last cursor."""
    adapter, found = Tryton(), dict[str, str]()
    for _ in range(20):
        page = await adapter.poll(server, set_to(), cursor, now)
        found |= statuses(adapter, page)
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the pages never end")


def statuses(adapter: Tryton, page: PollPage) -> dict[str, str]:
    return {
        each.record_key: each.value.code
        for _, body in page.payloads
        for each in observed(adapter.translate(body))
        if each.record_type == ORDER and isinstance(each.value, EnumerationValue)
    }


def snapshot(*sales: dict[str, Any]) -> bytes:
    raws = [msgspec.Raw(json.dumps(sale).encode()) for sale in sales]
    return msgspec.json.encode(SaleSnapshot(NOW, raws))


@pytest.mark.parametrize(
    ("state", "shipped", "shipments", "status"),
    [
        ("draft", "none", [], "open"),
        ("quotation", "none", [], "open"),
        ("confirmed", "none", [], "confirmed"),
        ("processing", "waiting", ["draft"], "confirmed"),
        ("processing", "waiting", ["waiting"], "confirmed"),
        ("processing", "waiting", ["waiting", "assigned"], "allocated"),
        ("processing", "waiting", ["picked"], "allocated"),
        ("processing", "waiting", ["packed"], "allocated"),
        ("processing", "partially shipped", ["done", "waiting"], "allocated"),
        ("processing", "exception", ["cancelled"], "confirmed"),
        ("processing", "sent", ["done"], "shipped"),
        ("done", "sent", ["done"], "shipped"),
        ("done", "none", [], "shipped"),
        ("cancelled", "none", [], "cancelled"),
        ("cancelled", "sent", [], "cancelled"),
    ],
)
def test_each_state_of_a_sale_is_one_status(state: str, shipped: str, shipments: list[str], status: str) -> None:
    sale = a_sale(1, state=state, shipment_state=shipped)
    sale["shipments."] = [{"state": each} for each in shipments]
    (found,) = observed(Tryton().translate(snapshot(sale)))
    assert found.key == ElementKey("S-1", ORDER_STATUS, "", ORDER)
    assert found.value == EnumerationValue(status)
    assert status in ELEMENTS[ORDER_STATUS].codes
    assert (found.committed_at, found.version_is_ours) == (NOW, True)


async def test_the_next_poll_returns_changed_sales_only() -> None:
    server = Orders(sales={n: a_sale(n, NOW - timedelta(days=4 - n)) for n in (1, 2, 3)})
    found, cursor = await progress(server, "", NOW)
    assert found == {"S-1": "confirmed", "S-2": "confirmed", "S-3": "confirmed"}
    server.sales[1] |= {"shipment_state": "sent", "write_date": tryton_moment(NOW + STEP)}
    found, cursor = await progress(server, cursor, NOW + timedelta(hours=1))
    assert found == {"S-1": "shipped", "S-3": "confirmed"}, "the newest is always read again"
    found, cursor = await progress(server, cursor, NOW + timedelta(hours=2))
    assert found == {"S-1": "shipped"}


async def test_only_the_web_customers_sales_with_a_reference_are_requested() -> None:
    server = Orders()
    await progress(server, "", NOW)
    asked = {tuple(each) for each in server.domains[0]}
    assert {
        ("party.code", "=", "WEB"),
        ("company", "=", 1),
        ("reference", "!=", None),
        ("reference", "!=", ""),
    } <= asked


async def test_sales_before_the_configured_day_are_not_requested() -> None:
    server = Orders(sales={1: a_sale(1)})
    await Tryton().poll(server, set_to(orders_since="2026-02-27"), "", NOW)
    assert ["create_date", ">=", tryton_moment(datetime(2026, 2, 27, tzinfo=UTC))] in server.domains[0]
    with pytest.raises(SystemUnavailable, match="2026-02-30"):
        await Tryton().poll(server, set_to(orders_since="2026-02-30"), "", NOW)


async def test_without_a_web_customer_no_sale_is_requested() -> None:
    server = Orders(sales={1: a_sale(1)})
    page = await Tryton().poll(server, set_to(customer_code=""), "", NOW)
    assert (page.payloads, server.domains) == ([], [])


async def test_sales_are_paginated_and_products_read_once() -> None:
    server = Orders({1: NOW - timedelta(days=1)}, sales={n: a_sale(n, NOW - timedelta(days=1)) for n in range(1, 251)})
    found, cursor = await progress(server, "", NOW)
    assert len(found) == 250
    assert server.read == [[1]]
    assert msgspec.json.decode(cursor, type=Cursor).sales == Cursor(NOW - timedelta(days=1))


async def test_a_sale_dated_ahead_hides_no_other() -> None:
    server = Orders(sales={1: a_sale(1, NOW + timedelta(days=365)), 2: a_sale(2, NOW - timedelta(days=1))})
    _, cursor = await progress(server, "", NOW)
    server.sales[3] = a_sale(3, NOW + STEP)
    found, _ = await progress(server, cursor, NOW + 2 * STEP)
    assert {"S-1", "S-3"} <= set(found)


async def test_another_status_is_another_payload_and_the_same_is_the_same() -> None:
    server = Orders(sales={1: a_sale(1)})
    first, again = [await Tryton().poll(server, set_to(), "", NOW + n * STEP) for n in (0, 1)]
    assert [name for name, _ in first.payloads] == [name for name, _ in again.payloads]
    server.sales[1]["shipment_state"] = "sent"
    other = await Tryton().poll(server, set_to(), "", NOW)
    assert [name for name, _ in first.payloads] != [name for name, _ in other.payloads]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"create_date": {"year": 2026, "month": 13, "day": 1}}, True),
        ({"state": None}, True),
        ({"shipments.": "none"}, True),
        ({"reference": None}, False),
    ],
)
async def test_a_malformed_sale_is_reported_by_order_and_blocks_no_other(
    change: dict[str, Any],
    named: bool,  # noqa: FBT001
) -> None:
    bad = snapshot(a_sale(1) | change)
    with pytest.raises(PayloadInvalid, match="sale") as raised:
        Tryton().translate(bad)
    assert [each.key for each in raised.value.unreadable] == [ElementKey("S-1", ORDER_STATUS, "", ORDER)] * named


def test_two_sales_with_one_reference_are_no_status() -> None:
    with pytest.raises(PayloadInvalid, match="2 sales have this reference") as raised:
        Tryton().translate(snapshot(a_sale(1), a_sale(2, reference="S-1")))
    assert [each.record_key for each in raised.value.unreadable] == ["S-1"]


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists)


@given(st.dictionaries(st.sampled_from(list(a_sale(1))), JSON))
def test_any_sale_is_translated_or_refused(change: dict[str, Any]) -> None:
    try:
        (found,) = observed(Tryton().translate(snapshot(a_sale(1) | change)))
    except PayloadInvalid:
        return
    assert found.element == ORDER_STATUS


def shipped(**more: Any) -> dict[str, Any]:
    moved = {"id": 31, "state": "done", "quantity": 2.0, "origin": "sale.line,7", "product.": {"code": "P1"}}
    return {
        "state": "done", "number": "CS-4", "create_date": tryton_moment(NOW - STEP), "write_date": tryton_moment(NOW),
        "outgoing_moves.": [
            moved, moved | {"id": 32, "origin": "sale.line,99"}, moved | {"id": 33, "state": "cancelled"},
        ],
        **more,
    }  # fmt: skip


def sale_with(*shipments: dict[str, Any]) -> bytes:
    line = {"id": 7, "type": "line", "quantity": 2.0, "unit_price": None, "product.": {"code": "P1"}}
    return snapshot(a_sale(1) | {"lines.": [line], "shipments.": list(shipments)})


def test_a_shipment_that_is_done_is_reported_once_its_goods_have_left() -> None:
    """With the moves that were done, and the order of those that belong to this sale."""
    status, found = Tryton().translate(sale_with(shipped(), shipped(state="packed"), {"state": "done"}))
    assert isinstance(status, Observation)
    assert isinstance(found, ShipmentUpdated)
    assert (found.number, found.status, found.changed_at) == ("CS-4", "dispatched", NOW)
    lines = [(one.line, one.sku, one.quantity.amount, one.order, one.order_line) for one in found.lines]
    assert lines == [("31", "P1", "2", "S-1", "7"), ("32", "P1", "2", "", "")]
    [again] = [one for one in Tryton().translate(sale_with(shipped())) if isinstance(one, ShipmentUpdated)]
    assert again.version == found.version


def test_a_shipment_that_cannot_be_read_leaves_the_status_of_its_order() -> None:
    odd = {"id": 31, "state": "done", "quantity": 2.0, "origin": None, "product.": None}
    with pytest.raises(PayloadInvalid, match="SKU") as raised:
        Tryton().translate(sale_with(shipped(**{"outgoing_moves.": [odd]})))
    [status] = raised.value.messages
    assert isinstance(status, Observation)
    assert status.element == ORDER_STATUS
