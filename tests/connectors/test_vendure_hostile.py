"""Answers of a Vendure that does not keep to its own rules."""

from dataclasses import dataclass
from typing import Any

import pytest

from canonical.elements import ORDER_STATUS
from canonical.keys import ElementKey
from canonical.orders import ORDER
from canonical.values import EnumerationValue
from connectors.ports import ChannelWrite, SystemUnavailable, WriteState
from connectors.vendure.adapter import Vendure
from connectors.vendure.order_messages import STATUSES
from tests.connectors.vendure_shop import CONFIG, Shop

_MOST = 100
"""Requests after which a list counts as endless."""


@dataclass
class Endless(Shop):
    """Always has another page of orders, which nobody asked for; `fresh`: with another number each time."""

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
