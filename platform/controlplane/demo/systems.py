"""Actions and views of people in a client's sandbox systems, over the systems' own HTTP."""

from types import TracebackType
from typing import Self

import httpx2
import msgspec

from canonical.elements import ORDER_STATUS
from canonical.keys import ElementKey
from canonical.orders import ORDER, OrderValue
from canonical.values import EnumerationValue, Value
from connectors.sandbox.erp.messages import NewErpValue, NewErpValues
from foundation.decoding import decode_json

ANSWER_SECONDS = 30.0


class _Shown(msgspec.Struct):
    value: Value | None = None


class _ShopValues(msgspec.Struct):
    values: list[_Shown | None]


class _Listing(msgspec.Struct):
    attributes: dict[str, _Shown] = {}


class _Listings(msgspec.Struct):
    listings: list[_Listing]


class _PlacedOrder(msgspec.Struct):
    number: str


class _Orders(msgspec.Struct):
    orders: list[OrderValue | None]


class ClientSystems:
    """Context manager of one client's ERP, shop and market. Each method raises httpx2.HTTPError."""

    def __init__(self, sandbox: str, client: str, token: str) -> None:
        self._base = f"{sandbox}/{client}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._http = httpx2.AsyncClient(timeout=ANSWER_SECONDS, headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def enter(self, *values: NewErpValue) -> None:
        """Save values in the ERP."""
        await self._request("POST", "erp/changes", NewErpValues(list(values)))

    async def place(self, order: OrderValue) -> str:
        """Place a shopper's order; returns its number."""
        return decode_json(await self._request("POST", "shop/orders", order), type=_PlacedOrder).number

    async def set_status(self, order: str, code: str) -> None:
        """Set the status of an order in the ERP."""
        await self.enter(NewErpValue(order, ORDER_STATUS, value=EnumerationValue(code), record_type=ORDER))

    async def order_in_erp(self, order: str) -> OrderValue | None:
        body = await self._request("POST", "erp/orders/read", {"numbers": [order]})
        return decode_json(body, type=_Orders).orders[0]

    async def on_shop(self, key: ElementKey) -> Value | None:
        body = await self._request("POST", "shop/values/read", {"keys": [(key.record_key, _field(key))]})
        shown = decode_json(body, type=_ShopValues).values[0]
        return None if shown is None else shown.value

    async def on_market(self, key: ElementKey) -> Value | None:
        body = await self._request("GET", f"market/listings?sku={key.record_key}")
        shown = decode_json(body, type=_Listings).listings[0].attributes.get(_field(key))
        return None if shown is None else shown.value

    async def storefront(self) -> str:
        """The shop's page, as shoppers see it."""
        return (await self._request("GET", "shop/")).decode()

    async def _request(self, method: str, path: str, body: object = None) -> bytes:
        content = None if body is None else msgspec.json.encode(body)
        answer = await self._http.request(method, f"{self._base}-{path}", content=content)
        return answer.raise_for_status().content


def _field(key: ElementKey) -> str:
    return f"{key.element}@{key.dimension}"
