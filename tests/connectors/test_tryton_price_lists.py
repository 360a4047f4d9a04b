"""Prices per price list and currency: each exact, and read again when a list or a rate changes."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from canonical.elements import PRICE
from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.values import MoneyValue, Value
from connectors.ports import PayloadInvalid, PollPage, SystemUnavailable
from connectors.tryton.adapter import Tryton
from connectors.tryton.cursor import Cursor
from connectors.tryton.messages import Divided, snapshot_bytes
from tests.connectors.running import observed
from tests.connectors.test_tryton import CREATED, PRODUCT, READ_AT
from tests.connectors.test_tryton_clock import NOW, STEP, Server
from tests.connectors.test_tryton_divided import set_to

TWO_LISTS = set_to(price_lists="Retail, Trade & Co", currencies="CHF")
"""The company's currency is EUR."""


def a_list(id_: int, name: str, **more: Any) -> dict[str, Any]:
    line = {"id": id_, "formula": "unit_price", "quantity": None, "category": None, "product": None, "sequence": None}
    return {"id": id_, "name": name, "price": "list_price", "unit": "product_default", "tax_included": False,
            "lines.": [line], **more}  # fmt: skip


@dataclass
class Seller(Server):
    lists: list[dict[str, Any]] = field(default_factory=lambda: [a_list(1, "Trade & Co"), a_list(2, "Retail")])
    currencies: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": 5, "code": "CHF", "rate": {"decimal": "0.95"}},
            {"id": 6, "code": "EUR", "rate": {"decimal": "1"}},
        ]
    )
    contexts: list[dict[str, Any]] = field(default_factory=list)

    def _answer(self, method: str, parameters: list[Any]) -> Any:
        match method:
            case "model.product.price_list.search_read":
                return [each for each in self.lists if each["name"] in parameters[0][0][2]]
            case "model.currency.currency.search_read":
                return [each for each in self.currencies if each["code"] in parameters[0][0][2]]
            case "model.product.product.read" if "sale_price_uom" in parameters[1]:
                context = parameters[-1]
                self.contexts.append(context)
                price = f"{context.get('price_list', 0)}{context['currency']}.5000"
                return [
                    {"id": id_, "sale_price_uom": {"decimal": price}, "sale_uom": 1, "default_uom": 1}
                    for id_ in parameters[0]
                ]
        return super()._answer(method, parameters)


def a_server() -> Seller:
    """A server with two products; the second is the newest, which each poll reads again."""
    return Seller({1: NOW - timedelta(days=2), 2: NOW - timedelta(days=1)})


def prices_of(page: PollPage, record: str) -> dict[str, Value]:
    found = [each for _, body in page.payloads for each in observed(Tryton().translate(body))]
    return {each.dimension: each.value for each in found if each.record_key == record and each.element == PRICE}


async def test_prices_are_reported_per_list_and_currency() -> None:
    server = a_server()
    page = await Tryton().poll(server, TWO_LISTS, "", NOW)
    assert prices_of(page, "P1") == {
        "": MoneyValue("1", "EUR"),
        "currency=CHF": MoneyValue("5.5", "CHF"),
        "currency=EUR,price_list=Retail": MoneyValue("26.5", "EUR"),
        "currency=CHF,price_list=Retail": MoneyValue("25.5", "CHF"),
        "currency=EUR,price_list=Trade%20%26%20Co": MoneyValue("16.5", "EUR"),
        "currency=CHF,price_list=Trade%20%26%20Co": MoneyValue("15.5", "CHF"),
    }
    assert {context["quantity"] for context in server.contexts} == {1}, "of one piece"


async def test_a_currency_that_is_the_companys_own_divides_nothing() -> None:
    page = await Tryton().poll(a_server(), set_to(currencies="EUR,CHF"), "", NOW)
    assert list(prices_of(page, "P1")) == ["", "currency=CHF"]


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.lists[1]["lines."][0].update(formula="unit_price * 2"),
        lambda server: server.lists[1]["lines."].clear(),
        lambda server: server.lists[1].update(price="cost_price"),
        lambda server: server.currencies[0].update(rate={"decimal": "0.96"}),
        lambda server: server.currencies[1].update(rate={"decimal": "1.1"}),
    ],
)
async def test_a_changed_list_or_rate_has_every_product_read_again(change: Any) -> None:
    server, later = a_server(), NOW + timedelta(hours=1)
    page = await Tryton().poll(server, TWO_LISTS, "", NOW)
    page = await Tryton().poll(server, TWO_LISTS, page.cursor, later)
    assert prices_of(page, "P1") == {}
    change(server)
    page = await Tryton().poll(server, TWO_LISTS, page.cursor, later + STEP)
    assert len(prices_of(page, "P1")) == 6
    page = await Tryton().poll(server, TWO_LISTS, page.cursor, later + 2 * STEP)
    assert prices_of(page, "P1") == {}


async def test_a_change_within_a_window_begins_it_again() -> None:
    server = Seller({n: NOW - timedelta(days=1) for n in range(1, 302)})
    page = await Tryton().poll(server, TWO_LISTS, "", NOW)
    assert page.more
    server.lists[0]["lines."].clear()
    page = await Tryton().poll(server, TWO_LISTS, page.cursor, NOW)
    assert prices_of(page, "P1")
    assert msgspec.json.decode(page.cursor, type=Cursor).after == 200


@pytest.mark.parametrize(
    ("settings", "lists", "sentence"),
    [
        ({"price_lists": "Retail"}, [], "0 price lists called Retail"),
        ({"price_lists": "Retail"}, [a_list(1, "Retail"), a_list(2, "Retail")], "2 price lists called Retail"),
        ({"price_lists": "Retail"}, [a_list(1, "Retail", tax_included=True)], "Retail includes taxes"),
        ({"currencies": "JPY"}, [], "0 currencies called JPY"),
        ({"price_lists": "\x07"}, [a_list(1, "\x07")], "cannot be a value of the dimension price_list"),
    ],
)
async def test_ambiguous_price_lists_need_a_person(
    settings: dict[str, str], lists: list[dict[str, Any]], sentence: str
) -> None:
    with pytest.raises(SystemUnavailable, match=sentence):
        await Tryton().poll(Seller(lists=lists), set_to(**settings), "", NOW)


def price_part(price: Any, dimension: str = "currency=USD,price_list=Retail", **more: Any) -> Divided:
    read = {"id": 1, "sale_price_uom": price, "sale_uom": 1, "default_uom": 1, **more}
    return Divided(dimension, (PRICE,), msgspec.Raw(json.dumps(read).encode()))


def snapshot(*parts: Divided, **product: Any) -> bytes:
    raw = msgspec.Raw(json.dumps(PRODUCT | product).encode())
    return snapshot_bytes("USD", READ_AT, raw, None, parts)


@pytest.mark.parametrize(
    "part",
    [
        price_part({"decimal": "9.9999"}),
        price_part({"decimal": "NaN"}),
        price_part({"decimal": "1e30"}),
        price_part("9.99"),
        price_part({"decimal": "9.99"}, "currency=JPY,price_list=Retail"),
        price_part({"decimal": "9.99"}, "currency=BGN,price_list=Retail"),
        price_part({"decimal": "9.99"}, sale_uom=7),
        Divided("currency=USD,price_list=Retail", (PRICE,), refused="The formula cannot be computed."),
    ],
)
def test_an_inexact_price_is_reported_and_the_others_are_read(part: Divided) -> None:
    good = price_part({"decimal": "8.8800"}, "currency=USD,price_list=Trade")
    with pytest.raises(PayloadInvalid) as raised:
        Tryton().translate(snapshot(part, good))
    assert [each.key for each in raised.value.unreadable] == [ElementKey("SKU-000", PRICE, part.dimension)]
    observed = [each for each in raised.value.messages if isinstance(each, Observation)]
    taken = {each.dimension: each.value for each in observed if each.element == PRICE}
    assert taken == {"": MoneyValue("10", "USD"), good.dimension: MoneyValue("8.88", "USD")}


def test_a_list_without_a_price_for_the_product_has_no_observation() -> None:
    found = observed(Tryton().translate(snapshot(price_part(None))))
    assert [each.dimension for each in found if each.element == PRICE] == [""]


def test_a_lists_price_is_dated_by_price_and_cost_as_it_may_follow_from_both() -> None:
    late = {"create_date": CREATED, "write_date": CREATED | {"year": 2028}}
    found = observed(Tryton().translate(snapshot(price_part({"decimal": "9"}), **{"cost_prices.": [late]})))
    assert {each.dimension: each.committed_at.year for each in found if each.element == PRICE} == {
        "": 2026, "currency=USD,price_list=Retail": 2028,
    }  # fmt: skip
