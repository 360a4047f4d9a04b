"""Settings of Tryton's company are read with each poll, not stored at sign-in."""

from datetime import timedelta
from typing import Any

from canonical.elements import PRICE
from canonical.values import Value
from connectors.ports import PollPage
from connectors.tryton.adapter import Tryton
from tests.connectors.running import observed
from tests.connectors.test_tryton_clock import CONFIG, NOW, Server
from tests.support.values import minor


class Company(Server):
    currency = "EUR"
    warehouses: tuple[int, ...] = (3,)
    contexts: list[dict[str, Any]]

    def _answer(self, method: str, parameters: list[Any]) -> Any:
        match method:
            case "model.company.company.read":
                return [{"currency.": {"code": self.currency}}]
            case "model.stock.location.search_read":
                return [{"storage_location": place} for place in self.warehouses]
            case "model.product.product.read":
                self.contexts.append(parameters[-1])
        return super()._answer(method, parameters)


def prices(adapter: Tryton, page: PollPage) -> list[Value]:
    return [o.value for _, body in page.payloads for o in observed(adapter.translate(body)) if o.element == PRICE]


async def test_another_currency_has_every_product_read_again_in_it() -> None:
    adapter, server = Tryton(), Company({1: NOW - timedelta(days=9), 2: NOW - timedelta(minutes=1)})
    server.contexts = []
    first = await adapter.poll(server, CONFIG, "", NOW)
    assert prices(adapter, first) == [minor(100, "EUR")] * 2
    again = await adapter.poll(server, CONFIG, first.cursor, NOW)
    assert {id_ for id_, _ in again.payloads} <= {id_ for id_, _ in first.payloads}
    server.currency = "JPY"
    second = await adapter.poll(server, CONFIG, again.cursor, NOW + timedelta(minutes=5))
    assert prices(adapter, second) == [minor(1, "JPY")] * 2
    assert not {id_ for id_, _ in first.payloads} & {id_ for id_, _ in second.payloads}, "other content, other ids"
    third = await adapter.poll(server, CONFIG, second.cursor, NOW + timedelta(hours=2))
    assert {id_ for id_, _ in third.payloads} <= {id_ for id_, _ in second.payloads}


async def test_a_warehouse_that_is_added_counts_from_the_next_poll() -> None:
    adapter, server = Tryton(), Company({1: NOW - timedelta(days=9)})
    server.contexts = []
    await adapter.poll(server, CONFIG, "", NOW)
    server.warehouses = (3, 8)
    await adapter.poll(server, CONFIG, "", NOW)
    assert [context["locations"] for context in server.contexts] == [[3], [3, 8]]
