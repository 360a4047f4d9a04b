"""A real Tryton with two warehouses and three languages: each value comes by itself, as people there entered it."""

from collections.abc import Iterator

import pytest

from canonical.elements import DESCRIPTION, NAME, STOCK
from canonical.values import TextValue, Value
from connectors.ports import PollPage
from connectors.tryton.adapter import Tryton
from foundation.clock import utc_now
from tests.connectors.running import PlainCaller
from tests.real.tryton import RunningTryton, running_tryton
from tests.support.values import pieces

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTryton]:
    with running_tryton(tmp_path_factory.mktemp("tryton")) as server:
        yield server


def values_of(adapter: Tryton, page: PollPage, record: str, *elements: str) -> dict[str, Value]:
    """By element and dimension, as one text."""
    found = [each for _, body in page.payloads for each in adapter.translate(body)]
    return {
        f"{each.element} {each.dimension}": each.value
        for each in found
        if each.record_key == record and each.element in elements
    }


async def test_stock_in_two_warehouses(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config = Tryton(), tryton.connection(overlap_seconds=0, stock_per_warehouse="yes")
    cursor = (await adapter.poll(caller, config, "", utc_now())).cursor
    tryton.set_stock("SKU-001", 7, warehouse="HAM")
    page = await adapter.poll(caller, config, cursor, utc_now())
    assert values_of(adapter, page, "SKU-001", STOCK) == {
        f"{STOCK} location=WH": pieces(100),
        f"{STOCK} location=HAM": pieces(7),
    }
    together = await adapter.poll(caller, tryton.connection(), "", utc_now())
    assert values_of(adapter, together, "SKU-001", STOCK) == {f"{STOCK} ": pieces(107)}


async def test_a_product_text_in_three_languages(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter, config = Tryton(), tryton.connection(overlap_seconds=0, texts="yes")
    cursor = (await adapter.poll(caller, config, "", utc_now())).cursor
    tryton.set_text("SKU-002", "de", "Tisch", "Aus Eiche,\ngeölt")
    tryton.set_text("SKU-002", "fr", "Table “Été”", "")
    page = await adapter.poll(caller, config, cursor, utc_now())
    assert values_of(adapter, page, "SKU-002", NAME, DESCRIPTION) == {
        f"{NAME} locale=en": TextValue("Widget 2"),
        f"{NAME} locale=de": TextValue("Tisch"),
        f"{NAME} locale=fr": TextValue("Table “Été”"),
        f"{DESCRIPTION} locale=de": TextValue("Aus Eiche,\ngeölt"),
    }


async def test_what_stands_for_delivery_is_no_product(tryton: RunningTryton, caller: PlainCaller) -> None:
    adapter = Tryton()
    for code, count in (("DELIVERY", 20), ("", 21)):
        page = await adapter.poll(caller, tryton.connection(delivery_code=code), "", utc_now())
        assert len(page.payloads) == count
