"""An unreadable product blocks no other, and an expired session does not end a poll."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from canonical.elements import COST, PRICE, STOCK
from canonical.messages import Observation
from connectors.ports import HttpResponse, PayloadInvalid, SystemUnavailable
from connectors.tryton.adapter import Tryton
from connectors.tryton.cursor import Cursor
from tests.connectors.running import observed
from tests.connectors.test_tryton_clock import CONFIG, NOW, STEP, Answered, Server


@dataclass
class Answer(Answered):
    status_code: int = 200


@dataclass
class Refusing(Server):
    """`broken`: products whose prices Tryton cannot compute. `nameless`: those of which it does not return the code
    either.
    """

    broken: set[int] = field(default_factory=set)
    nameless: set[int] = field(default_factory=set)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        call = msgspec.json.decode(content or b"")
        if call["method"] == "model.product.product.read":
            ids, fields = call["params"][:2]
            if fields == ["code"] and not self.nameless & set(ids):
                return Answered(msgspec.json.encode({"id": 1, "result": [{"id": n, "code": f"P{n}"} for n in ids]}), {})
            if self.broken & set(ids):
                error = ["UserError", ["No list price for the product.", ""]]
                return Answered(msgspec.json.encode({"id": 1, "error": error}), {})
        return await super().request(method, url, headers=headers, content=content)


def days_old(*ids: int) -> dict[int, Any]:
    return {id_: NOW - timedelta(days=1) for id_ in ids}


def ids_of(page: Any) -> dict[str, int]:
    return {external_id.split("/")[1]: external_id.count("refused") for external_id, _ in page.payloads}


async def test_an_unreadable_product_is_reported_by_key_and_blocks_no_other() -> None:
    server, adapter = Refusing(days_old(*range(1, 8)), broken={3, 6}), Tryton()
    page = await adapter.poll(server, CONFIG, "", NOW)
    assert ids_of(page) == {"1": 0, "2": 0, "3": 1, "4": 0, "5": 0, "6": 1, "7": 0}
    reported = []
    for external_id, body in page.payloads:
        if "refused" in external_id:
            with pytest.raises(PayloadInvalid, match="No list price") as caught:
                adapter.translate(body)
            reported += [(each.record_key, each.element) for each in caught.value.unreadable]
    assert reported == [(key, element) for key in ("P3", "P6") for element in (PRICE, COST, STOCK)]


async def test_an_unreadable_product_is_read_again_until_it_succeeds() -> None:
    server, adapter = Refusing(days_old(1, 2, 3), broken={2}), Tryton()
    page = await adapter.poll(server, CONFIG, "", NOW)
    page = await adapter.poll(server, CONFIG, page.cursor, NOW + STEP)
    assert ids_of(page).get("2") == 1
    server.broken.clear()
    later = NOW + timedelta(hours=1)
    page = await adapter.poll(server, CONFIG, page.cursor, later)
    assert ids_of(page)["2"] == 0
    assert msgspec.json.decode(page.cursor, type=Cursor).refused == []


async def test_a_deleted_unreadable_product_is_not_read_again() -> None:
    server, adapter = Refusing(days_old(1, 2, 3), broken={2}), Tryton()
    page = await adapter.poll(server, CONFIG, "", NOW)
    del server.dates[2]
    page = await adapter.poll(server, CONFIG, page.cursor, NOW + STEP)
    assert msgspec.json.decode(page.cursor, type=Cursor).refused == []


async def test_an_unreadable_product_without_code_is_reported_as_a_message() -> None:
    server, adapter = Refusing(days_old(1, 2), broken={2}, nameless={2}), Tryton()
    page = await adapter.poll(server, CONFIG, "", NOW)
    ((_, body),) = [each for each in page.payloads if "refused" in each[0]]
    with pytest.raises(PayloadInvalid, match="cannot read its product 2") as caught:
        adapter.translate(body)
    assert caught.value.unreadable == ()


async def test_when_every_product_is_refused_the_source_is_failing() -> None:
    server = Refusing(days_old(*range(1, 100)), broken=set(range(1, 100)))
    with pytest.raises(SystemUnavailable, match="No list price"):
        await Tryton().poll(server, CONFIG, "", NOW)


@pytest.mark.parametrize("method", ["model.product.product.search", "model.stock.move.search_read"])
async def test_a_session_that_is_never_accepted_is_reported_as_failing(method: str) -> None:
    class Forgetful(Server):
        async def request(self, *given: Any, **named: Any) -> HttpResponse:
            if msgspec.json.decode(named["content"])["method"] == method:
                return Answer(b"", {}, 401)
            return await super().request(*given, **named)

    adapter = Tryton()
    for _ in range(2):
        with pytest.raises(SystemUnavailable, match="session"):
            await adapter.poll(Forgetful(days_old(1)), CONFIG, "", NOW)


async def test_a_sign_in_without_a_session_names_the_credentials() -> None:
    class Closed(Server):
        def _answer(self, method: str, parameters: list[Any]) -> Any:
            return None if method == "common.db.login" else super()._answer(method, parameters)

    with pytest.raises(SystemUnavailable, match="Check the credentials"):
        await Tryton().poll(Closed(), CONFIG, "", NOW)


@dataclass
class Vast(Server):
    """Product 2 has a stock that exceeds our range of numbers."""

    def _product(self, product_id: int) -> dict[str, Any]:
        stock = {"quantity": msgspec.Raw(b"1e400")} if product_id == 2 else {}
        return super()._product(product_id) | stock


async def test_an_unreadable_number_delays_no_other_product() -> None:
    adapter = Tryton()
    page = await adapter.poll(Vast(days_old(1, 2)), CONFIG, "", NOW)
    first, second = (body for _, body in page.payloads)
    assert STOCK in {each.element for each in observed(adapter.translate(first))}
    with pytest.raises(PayloadInvalid) as caught:
        adapter.translate(second)
    assert [each.element for each in caught.value.unreadable] == [STOCK]
    assert [each.element for each in caught.value.messages if isinstance(each, Observation)] == [PRICE]
