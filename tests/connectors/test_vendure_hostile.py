"""Responses of a Vendure that violates its own schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from canonical.elements import ORDER_STATUS
from canonical.keys import ElementKey
from canonical.orders import ORDER
from canonical.values import EnumerationValue
from connectors.ports import ChannelWrite, HttpResponse, PayloadInvalid, SystemUnavailable, WriteState
from connectors.vendure.adapter import Vendure
from connectors.vendure.order_messages import ORDERS, STATUSES
from connectors.vendure.orders import VendureOrders
from foundation.clock import utc_now
from tests.connectors.test_vendure_orders import snapshot
from tests.connectors.vendure_shop import CONFIG, Answered, Shop

_MOST = 100
"""Requests after which a list counts as endless."""


@dataclass
class Endless(Shop):
    """Always has another page of orders; `fresh`: each page has a new order number."""

    fresh: bool = False

    def _answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if query != STATUSES:
            return super()._answer(query, variables)
        asked = self.asked.count(STATUSES)
        assert asked < _MOST
        order: dict[str, Any] = {
            "id": "5", "code": f"OTHER-{asked if self.fresh else 0}", "state": "PaymentSettled", "nextStates": [],
            "lines": [], "fulfillments": None, "shippingLines": [],
        }  # fmt: skip
        return {"orders": {"items": [order], "totalItems": 10**9}}


@pytest.mark.parametrize("fresh", [False, True])
async def test_a_list_of_orders_that_never_ends_is_read_no_further(*, fresh: bool) -> None:
    shop, key = Endless(fresh=fresh), ElementKey("ORDER-5", ORDER_STATUS, "", ORDER)
    with pytest.raises(SystemUnavailable, match="does not end"):
        await Vendure().read(shop, CONFIG, [key])
    [result] = await Vendure().push(shop, CONFIG, [ChannelWrite(key, EnumerationValue("shipped"), 1, "k")])
    assert (result.state, "does not end" in result.detail) == (WriteState.RETRY, True)


@dataclass
class Selling(Shop):
    """Lists orders as they were written, one of them with an unreadable number."""

    orders: list[bytes] = field(default_factory=list)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        if msgspec.json.decode(content or b"")["query"] != ORDERS:
            return await super().request(method, url, headers=headers, content=content)
        settings = b'"globalSettings":{"serverConfig":{"moneyStrategyPrecision":2}}'
        listed = b'"orders":{"totalItems":%d,"items":[%s]}' % (len(self.orders), b",".join(self.orders))
        return Answered(b'{"data":{%s,%s}}' % (settings, listed))


@pytest.mark.parametrize("number", [b"1e400", b"9" * 5_000])
async def test_an_order_with_an_unreadable_number_delays_no_other(number: bytes) -> None:
    good, odd = (
        bytes(msgspec.json.decode(snapshot(id=each, code=f"ORDER-{each}"), type=dict[str, msgspec.Raw])["order"])
        for each in ("5", "6")
    )
    shop = Selling(orders=[odd.replace(b'"total": 2490', b'"total": ' + number), good])
    config = msgspec.structs.replace(CONFIG, settings={**CONFIG.settings, "orders_since": "2026-01-01"})
    page, again = [await VendureOrders().poll(shop, config, "", utc_now()) for _ in range(2)]
    assert [id_ for id_, _ in page.payloads] == [id_ for id_, _ in again.payloads], "not by the time of reading"
    first, second = (body for _, body in page.payloads)
    with pytest.raises(PayloadInvalid) as caught:
        VendureOrders().translate(first)
    assert [each.record_key for each in caught.value.unreadable] == ["ORDER-6"]
    assert [each.record_key for each in VendureOrders().translate(second)] == ["ORDER-5"]
