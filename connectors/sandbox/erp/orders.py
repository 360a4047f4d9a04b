"""Orders of the sandbox ERP: created once per key, read by number."""

from collections.abc import Sequence
from typing import Final

import msgspec

from canonical.elements import is_order_document
from canonical.keys import ElementKey
from canonical.orders import OrderValue
from connectors.batches import push_in_parts, read_supported
from connectors.http.errors import check_readable, failed_writes
from connectors.http.requests import endpoint, json_headers
from connectors.messages import ANSWER_CHANGED, NO_API_KEY, SHOWN_UNREADABLE, WRONG_COUNT
from connectors.ports import (
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    PayloadInvalid,
    SystemUnavailable,
    WriteResult,
    WriteState,
)
from connectors.sandbox import reasons
from connectors.sandbox.orders import KnownOrders, NewOrder, NewOrders, Numbers
from foundation.decoding import ForeignDecoder, JsonDecoder
from foundation.i18n.messages import text_of

_Known: Final = JsonDecoder(OrderValue | None)
_ERP: Final = reasons.ERP.write()
_NO_ORDER: Final = reasons.ORDERS_ONLY.write()


class SandboxErpOrders:
    """Writes orders to the ERP and reads them back."""

    max_batch = 50

    def __init__(self) -> None:
        self._known = ForeignDecoder(KnownOrders)

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        orders = [write for write in writes if is_order_document(write.key) and isinstance(write.value, OrderValue)]
        sent = iter(
            await push_in_parts(
                http, orders, lambda caller, part: self._send(caller, config, part), _size_of,
                most_items=self.max_batch,
            )
            if orders
            else ()
        )  # fmt: skip
        return [
            next(sent) if write in orders else WriteResult(write.key, WriteState.REFUSED, _NO_ORDER)
            for write in writes
        ]  # fmt: skip

    async def _send(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        if "api_key" not in config.secrets:  # no attempt later would have one
            return [WriteResult(write.key, WriteState.REFUSED, NO_API_KEY.write()) for write in writes]
        response = await http.request(
            "PUT", endpoint(config, "/orders"), headers=_headers(config),
            content=msgspec.json.encode(NewOrders([_new_order(write) for write in writes])),
        )  # fmt: skip
        failed = failed_writes(response, writes)
        return failed or [WriteResult(write.key, WriteState.ACCEPTED) for write in writes]

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        return await read_supported(
            keys, is_order_document, lambda part: self._read_part(http, config, part),
            lambda key: len(key.record_key) + 3, most_items=self.max_batch,
        )  # fmt: skip

    async def _read_part(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        if "api_key" not in config.secrets:
            raise SystemUnavailable(NO_API_KEY.write())
        response = await http.request(
            "POST", endpoint(config, "/orders/read"), headers=_headers(config),
            content=msgspec.json.encode(Numbers([key.record_key for key in keys])),
        )  # fmt: skip
        check_readable(response, _ERP)
        try:
            orders = self._known.decode(response.content).orders
        except msgspec.DecodeError as problem:
            changed = ANSWER_CHANGED.write(system=_ERP, what="orders", error=text_of(problem))
            raise PayloadInvalid(changed) from problem
        if len(orders) != len(keys):
            raise PayloadInvalid(WRONG_COUNT.write(system=_ERP, number=len(keys), count=len(orders)))
        return [_reading(key, raw) for key, raw in zip(keys, orders, strict=True)]


def _headers(config: ConnectionConfig) -> dict[str, str]:
    return json_headers(config.secrets["api_key"])


def _new_order(write: ChannelWrite) -> NewOrder:
    if not isinstance(write.value, OrderValue):
        raise TypeError("only orders are sent to the ERP")
    return NewOrder(write.record_key, write.value, write.idempotency_key)


def _size_of(write: ChannelWrite) -> int:
    return len(msgspec.json.encode(_new_order(write))) + 1


def _reading(key: ElementKey, raw: msgspec.Raw) -> ChannelReading:
    try:
        return ChannelReading(key, _Known.decode(raw))
    except (msgspec.DecodeError, ValueError) as problem:
        text = bytes(raw)[:100].decode("utf-8", "replace")
        return ChannelReading(key, None, unreadable=SHOWN_UNREADABLE.write(text=text, reason=text_of(problem)))
