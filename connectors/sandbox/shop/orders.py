"""Orders of the sandbox shop, as a source: polled in the order of their versions."""

from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from canonical.elements import ORDER_DOCUMENT
from canonical.messages import Observation
from canonical.orders import ORDER
from connectors import messages
from connectors.http.errors import check_readable
from connectors.http.requests import endpoint, json_headers
from connectors.ports import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage, Unreadable
from connectors.sandbox import reasons
from connectors.sandbox.orders import PlacedOrder, PlacedOrders
from foundation.decoding import ForeignDecoder, decode_json
from foundation.i18n.messages import MessageText, text_of

_PAGE_SIZE = 100
_SHOP: Final = reasons.SHOP.write()


class _Numbered(msgspec.Struct):
    number: str = ""
    version: int = 0


class SandboxShopOrders:
    """Reads the orders that shoppers placed."""

    def __init__(self) -> None:
        self._order = ForeignDecoder(PlacedOrder)
        self._page = ForeignDecoder(PlacedOrders)

    def translate(self, body: bytes) -> list[Observation]:
        try:
            placed = self._order.decode(body)
        except (msgspec.DecodeError, ValueError) as problem:
            reason = messages.PAYLOAD_CHANGED.write(system=_SHOP, error=text_of(problem))
            raise PayloadInvalid(reason, unreadable=_named(body, reason)) from problem
        return [
            Observation(
                placed.number, ORDER_DOCUMENT, placed.order, placed.version, placed.placed_at,
                title=placed.order.customer, record_type=ORDER,
            )
        ]  # fmt: skip

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:  # noqa: ARG002
        query = urlencode({"cursor": cursor or "0", "limit": _PAGE_SIZE})
        response = await http.request(
            "GET", endpoint(config, f"/orders?{query}"), headers=json_headers(config.secrets["api_key"])
        )
        check_readable(response, _SHOP)
        try:
            page = self._page.decode(response.content)
            payloads = [(_id_of(raw), bytes(raw)) for raw in page.orders]
        except msgspec.DecodeError as problem:
            changed = messages.ANSWER_CHANGED.write(system=_SHOP, what="orders", error=text_of(problem))
            raise PayloadInvalid(changed) from problem
        return PollPage(payloads, page.cursor, page.more)


def _id_of(raw: msgspec.Raw) -> str:
    known = decode_json(raw, type=_Numbered)
    return f"order/{known.number}/{known.version}"


def _named(body: bytes, reason: MessageText) -> list[Unreadable]:
    try:
        number = decode_json(body, type=_Numbered).number
    except msgspec.DecodeError:
        return []
    return [Unreadable(number, ORDER_DOCUMENT, reason, record_type=ORDER)] if number else []
