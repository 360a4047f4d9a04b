"""Stock per warehouse and texts per language: each value is exact or reported as unreadable, and read again when the
warehouses or languages change.

The server in memory responds by the context in which Tryton would compute the values.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import COST, DESCRIPTION, NAME, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.values import TextValue, Value
from connectors.ports import ConnectionConfig, HttpResponse, PayloadInvalid, PollPage, SystemUnavailable
from connectors.tryton.adapter import Tryton
from connectors.tryton.cursor import Cursor
from connectors.tryton.messages import PRODUCT_FIELDS, Divided, snapshot_bytes
from tests.connectors.running import observed
from tests.connectors.test_tryton import CREATED, PRODUCT, READ_AT
from tests.connectors.test_tryton_clock import CONFIG, NOW, STEP, Answered, Server
from tests.support.values import pieces


def set_to(**settings: str) -> ConnectionConfig:
    return msgspec.structs.replace(CONFIG, settings={**CONFIG.settings, **settings})


PER_WAREHOUSE = set_to(stock_per_warehouse="yes")
WITH_TEXTS = set_to(texts="yes")


@dataclass
class Trader(Server):
    """`stock`: of each product by storage location; `broken`: locations and languages that fail for product 2."""

    warehouses: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"storage_location": 3, "code": "BER", "name": "Berlin"},
            {"storage_location": 8, "code": None, "name": "Hamburg, harbour"},
        ]
    )
    languages: list[str] = field(default_factory=lambda: ["en", "es_419"])
    stock: dict[int, Any] = field(default_factory=lambda: {3: 4.0, 8: 5.0})
    broken: set[Any] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        call = msgspec.json.decode(content or b"")
        self.asked.append(call["method"])
        context = call["params"][-1]
        is_broken = self.broken & ({context["language"]} if "language" in context else {*context.get("locations", ())})
        is_division = call["method"] == "model.product.product.read" and call["params"][1] != PRODUCT_FIELDS
        if is_broken and is_division and 2 in call["params"][0]:
            error = ["UserError", ["It cannot be computed.", "", None]]
            return Answered(msgspec.json.encode({"id": 1, "error": error}), {})
        return await super().request(method, url, headers=headers, content=content)

    def _answer(self, method: str, parameters: list[Any]) -> Any:
        match method:
            case "model.stock.location.search_read":
                return self.warehouses
            case "model.ir.lang.search_read":
                return [{"code": code} for code in self.languages]
            case "model.product.product.read" if "quantity" in parameters[1] and "code" not in parameters[1]:
                (place,) = parameters[-1]["locations"]
                return [{"id": id_, "quantity": self.stock[place]} for id_ in parameters[0]]
            case "model.product.product.read" if "template.name" in parameters[1] and "code" not in parameters[1]:
                language = parameters[-1]["language"]
                return [
                    {"id": id_, "template.": {"name": f"{id_} {language}"}, "description": None}
                    for id_ in parameters[0]
                ]
        return super()._answer(method, parameters)


def two_products() -> Trader:
    """Two products; the second is the newest, which each poll reads again."""
    return Trader({1: NOW - timedelta(days=2), 2: NOW - timedelta(days=1)})


def values_in(page: PollPage) -> dict[ElementKey, Value]:
    adapter = Tryton()
    return {found.key: found.value for _, body in page.payloads for found in observed(adapter.translate(body))}


def key(record: str, element: str, dimension: str = "") -> ElementKey:
    return ElementKey(record, element, dimension)


async def test_stock_is_reported_per_warehouse_instead_of_as_a_sum() -> None:
    page = await Tryton().poll(two_products(), PER_WAREHOUSE, "", NOW)
    found = {key: value for key, value in values_in(page).items() if key.element == STOCK}
    assert found == {
        key(f"P{id_}", STOCK, dimension): pieces(amount)
        for id_ in (1, 2)
        for dimension, amount in (("location=BER", 4), ("location=Hamburg%2C%20harbour", 5))
    }


async def test_texts_are_reported_per_language_except_empty_ones() -> None:
    page = await Tryton().poll(two_products(), WITH_TEXTS, "", NOW)
    found = {key: value for key, value in values_in(page).items() if key.element in (NAME, DESCRIPTION)}
    assert found == {
        key(f"P{id_}", NAME, f"locale={locale}"): TextValue(f"{id_} {code}")
        for id_ in (1, 2)
        for locale, code in (("en", "en"), ("es-419", "es_419"))
    }


@pytest.mark.parametrize("row", [{"code": "klingon_x"}, {"code": None}, {}, {"code": "de\u0000"}, {"code": ["de"]}])
async def test_a_language_without_a_usable_code_is_reported_and_the_poll_continues(row: dict[str, Any]) -> None:
    class Multilingual(Trader):
        def _answer(self, method: str, parameters: list[Any]) -> Any:
            found = super()._answer(method, parameters)
            return [row, *found] if method == "model.ir.lang.search_read" else found

    server = Multilingual(two_products().dates)
    page = await Tryton().poll(server, WITH_TEXTS, "", NOW)
    (name, body), *products = page.payloads
    assert (name.startswith("language/"), len(products)) == (True, 2)
    assert msgspec.json.encode(row) in body, "as Tryton gave it"
    with pytest.raises(PayloadInvalid, match="has no code that names a language"):
        Tryton().translate(body)
    texts = {found.key for _, each in products for found in observed(Tryton().translate(each)) if found.element == NAME}
    assert texts == {key(f"P{id_}", NAME, f"locale={locale}") for id_ in (1, 2) for locale in ("en", "es-419")}
    again = await Tryton().poll(server, WITH_TEXTS, page.cursor, NOW + STEP)
    assert again.payloads[0] == (name, body), "stored once, because its name is the same"


async def test_without_the_settings_nothing_is_divided() -> None:
    server = two_products()
    page = await Tryton().poll(server, set_to(stock_per_warehouse="no", texts="no"), "", NOW)
    assert "model.ir.lang.search_read" not in server.asked
    assert all(b"divided" not in body for _, body in page.payloads)
    assert msgspec.json.decode(page.cursor, type=Cursor).basis == ""


async def test_a_division_that_fails_for_one_product_delays_nothing_else() -> None:
    server = two_products()
    server.broken = {8, "en"}
    page = await Tryton().poll(server, set_to(stock_per_warehouse="yes", texts="yes"), "", NOW)
    good, bad = (body for _, body in page.payloads)
    assert len(observed(Tryton().translate(good))) == 5
    with pytest.raises(PayloadInvalid, match="cannot be computed") as raised:
        Tryton().translate(bad)
    failed = [each.key for each in raised.value.unreadable]
    assert failed == [
        key("P2", STOCK, "location=Hamburg%2C%20harbour"),
        key("P2", NAME, "locale=en"),
        key("P2", DESCRIPTION, "locale=en"),
    ]
    assert [(each.element, each.dimension) for each in raised.value.messages if isinstance(each, Observation)] == [
        (PRICE, ""), (STOCK, "location=BER"), (NAME, "locale=es-419"),
    ]  # fmt: skip


async def test_an_unreadable_product_is_reported_for_each_of_its_values() -> None:
    class Refusing(Trader):
        def _answer(self, method: str, parameters: list[Any]) -> Any:
            if method == "model.product.product.read" and parameters[1] == ["code"]:
                return [{"code": "P2"}]
            return super()._answer(method, parameters)

        async def request(self, *given: Any, **named: Any) -> HttpResponse:
            call = msgspec.json.decode(named["content"])
            if call["method"] == "model.product.product.read" and 2 in call["params"][0] and len(call["params"][1]) > 3:
                return Answered(
                    msgspec.json.encode({"id": 1, "error": ["UserError", ["No list price.", "", None]]}), {}
                )
            return await super().request(*given, **named)

    page = await Tryton().poll(Refusing(two_products().dates), PER_WAREHOUSE, "", NOW)
    (refused,) = (body for name, body in page.payloads if "refused" in name)
    with pytest.raises(PayloadInvalid, match=r"cannot read its product P2\. .*No list price") as raised:
        Tryton().translate(refused)
    assert [each.key for each in raised.value.unreadable] == [
        key("P2", PRICE), key("P2", COST),
        key("P2", STOCK, "location=BER"), key("P2", STOCK, "location=Hamburg%2C%20harbour"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (PER_WAREHOUSE, lambda server: server.warehouses.pop()),
        (PER_WAREHOUSE, lambda server: server.warehouses[1].update(code="HAM")),
        (WITH_TEXTS, lambda server: server.languages.append("de")),
    ],
)
async def test_another_warehouse_name_or_language_has_every_product_read_again(
    config: ConnectionConfig, change: Any
) -> None:
    server = two_products()
    page = await Tryton().poll(server, config, "", NOW)
    later = NOW + timedelta(hours=1)
    page = await Tryton().poll(server, config, page.cursor, later)
    assert {found.record_key for found in values_in(page)} == {"P2"}
    change(server)
    page = await Tryton().poll(server, config, page.cursor, later + STEP)
    assert len(page.payloads) == 2
    again = await Tryton().poll(server, config, page.cursor, later + 2 * STEP)
    assert {name for name, _ in again.payloads} <= {name for name, _ in page.payloads}


async def test_enabling_it_has_every_product_read_again() -> None:
    server = two_products()
    page = await Tryton().poll(server, CONFIG, "", NOW)
    page = await Tryton().poll(server, PER_WAREHOUSE, page.cursor, NOW + timedelta(hours=1))
    assert {each.record_key for each in values_in(page)} == {"P1", "P2"}


async def test_a_changed_stock_of_one_warehouse_is_another_payload() -> None:
    server = two_products()
    first = await Tryton().poll(server, PER_WAREHOUSE, "", NOW)
    server.stock[8] = 6.0
    second = await Tryton().poll(server, PER_WAREHOUSE, "", NOW)
    assert not {name for name, _ in first.payloads} & {name for name, _ in second.payloads}


@pytest.mark.parametrize(
    ("warehouses", "sentence"),
    [
        ([{"storage_location": n, "code": "A", "name": "B"} for n in (3, 8)], "Several warehouses .* called A"),
        ([{"storage_location": 3, "code": None, "name": " Berlin"}], "a value of the dimension location"),
        ([{"storage_location": 3, "code": "\x07", "name": "Berlin"}], "a value of the dimension location"),
        ([{"storage_location": 3, "code": "x" * 101, "name": "Berlin"}], "a value of the dimension location"),
    ],
)
async def test_ambiguous_warehouses_need_a_person(warehouses: list[dict[str, Any]], sentence: str) -> None:
    server = two_products()
    server.warehouses = warehouses
    with pytest.raises(SystemUnavailable, match=sentence):
        await Tryton().poll(server, PER_WAREHOUSE, "", NOW)


def divided(*parts: Divided, **product: Any) -> bytes:
    raw = msgspec.Raw(json.dumps(PRODUCT | product).encode())
    return snapshot_bytes("USD", READ_AT, raw, None, parts)


def stock_part(amount: str, place: str = "BER") -> Divided:
    return Divided(f"location={place}", (STOCK,), msgspec.Raw(f'{{"id":1,"quantity":{amount}}}'.encode()))


def text_part(name: Any, description: Any = None) -> Divided:
    read = {"id": 1, "template.": {"id": 1, "name": name}, "description": description}
    return Divided("locale=de", (NAME, DESCRIPTION), msgspec.Raw(json.dumps(read).encode()))


@pytest.mark.parametrize("amount", ["12.5", "9007199254740994", "1e300", '"5"', "true", "[1]", "1e-400"])
def test_a_fractional_stock_is_reported_and_other_warehouses_are_read(amount: str) -> None:
    with pytest.raises(PayloadInvalid) as raised:
        Tryton().translate(divided(stock_part(amount), stock_part("7.0", "HAM")))
    assert [each.key for each in raised.value.unreadable] == [key("SKU-000", STOCK, "location=BER")]
    assert [(each.key, each.value) for each in raised.value.messages if isinstance(each, Observation)][-1] == (
        key("SKU-000", STOCK, "location=HAM"), pieces(7),
    )  # fmt: skip


@pytest.mark.parametrize("change", [{"type": "service"}, {"consumable": True}])
def test_products_without_stock_keeping_have_no_stock_in_any_warehouse(change: dict[str, Any]) -> None:
    found = observed(Tryton().translate(divided(stock_part("7.0"), **change)))
    assert [each.element for each in found] == [PRICE, COST]


@pytest.mark.parametrize("name", ["a\x00b", "x" * 65_537, 5, ["a"]])
def test_a_name_that_cannot_be_stored_is_reported(name: Any) -> None:
    with pytest.raises(PayloadInvalid) as raised:
        Tryton().translate(divided(text_part(name, "Good")))
    assert raised.value.unreadable[0].key == key("SKU-000", NAME, "locale=de")


def test_texts_are_dated_by_the_products_and_not_by_its_prices() -> None:
    late = {"create_date": CREATED, "write_date": CREATED | {"year": 2028}}
    template = {"id": 1, "write_date": CREATED | {"year": 2027}, "list_prices.": [late]}
    found = observed(Tryton().translate(divided(text_part("Tisch"), **{"template.": template})))
    assert {each.element: each.committed_at.year for each in found if each.element in (PRICE, NAME)} == {
        PRICE: 2028, NAME: 2027,
    }  # fmt: skip


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "dimension": st.sampled_from(["", "location=BER", "locale=de", "locale=", "=", "colour=red"]),
                "elements": st.lists(st.sampled_from([STOCK, NAME, PRICE, "x", "order.document"]), max_size=2),
                "read": st.sampled_from([None, 1, {}, {"quantity": 1.0}, {"template.": {}}]) | JSON,
            }
        ),
        max_size=3,
    )
)
def test_any_division_is_translated_or_refused(parts: list[dict[str, Any]]) -> None:
    body = snapshot_bytes("USD", READ_AT, msgspec.Raw(json.dumps(PRODUCT).encode()), None)
    body = body[:-1] + b',"divided":' + msgspec.json.encode(parts) + b"}"
    with suppress(PayloadInvalid):
        assert observed(Tryton().translate(body))
