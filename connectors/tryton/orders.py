"""Orders in Tryton: each is one sale, found by its reference, created once, and confirmed when it equals the order.

A sale that differs is amended as long as Tryton can return it to a draft, and an order that the shop cancelled is
cancelled there (`change_sale`); otherwise a person decides.

Creating, quoting and confirming are separate calls. After an interruption between them, the next attempt finds the sale
by its reference and continues. A call whose response was lost may create a second draft after that look-up: then
neither is confirmed, and a person decides.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from canonical.elements import is_order_document
from canonical.keys import ElementKey
from canonical.orders import OrderValue
from connectors.batches import push_in_parts, read_supported
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
from connectors.tryton import reasons
from connectors.tryton.change_sale import amend_sale, cancel_sale
from connectors.tryton.new_sales import CannotBeHeld, NotSetUp, sale_values
from connectors.tryton.sales import PENDING, Sale, SaleState, decode_sale, find_sales, order_of
from connectors.tryton.session import Refused, Sessions, TrytonSession
from connectors.tryton.settings import delivery_code
from foundation.i18n.messages import text_of

MAX_BATCH: Final = 10
"""Orders per call; each takes some ten requests."""
_READ_AT_ONCE: Final = 50
_NO_ORDER: Final = reasons.ORDERS_ONLY.write()


class TrytonOrders:
    """Writes orders and reads them back."""

    max_batch = MAX_BATCH

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        return await push_in_parts(
            http, writes, lambda caller, part: self._send(caller, config, part[0]), lambda _: 1, most_items=1
        )

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        return await read_supported(
            keys, is_order_document, lambda part: self._read_part(http, config, part),
            lambda key: len(key.record_key) + 3, most_items=_READ_AT_ONCE,
        )  # fmt: skip

    async def _send(self, http: HttpCaller, config: ConnectionConfig, write: ChannelWrite) -> list[WriteResult]:
        if not is_order_document(write.key) or not isinstance(write.value, OrderValue):
            return [WriteResult(write.key, WriteState.REFUSED, _NO_ORDER)]
        order = write.value

        async def act(session: TrytonSession) -> WriteResult:
            await session.refresh(http)
            return await _push(http, session, write.key, order)

        try:
            return [await self._sessions.use(http, config, act)]
        except CannotBeHeld as problem:
            return [WriteResult(write.key, WriteState.REFUSED, problem.reason)]
        except Refused as problem:
            state = WriteState.REFUSED if problem.by_rule else WriteState.RETRY
            return [WriteResult(write.key, state, problem.reason)]
        except SystemUnavailable as problem:
            return [WriteResult(write.key, WriteState.RETRY, problem.reason, problem.retry_after, uncertain=True)]
        except (PayloadInvalid, NotSetUp) as problem:
            uncertain = isinstance(problem, PayloadInvalid)
            return [WriteResult(write.key, WriteState.RETRY, problem.reason, uncertain=uncertain)]

    async def _read_part(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        found = await self._sessions.use(
            http, config, lambda session: find_sales(http, session, [key.record_key for key in keys])
        )
        return [_reading(key, found[key.record_key], delivery_code(config)) for key in keys]


async def _push(http: HttpCaller, session: TrytonSession, key: ElementKey, order: OrderValue) -> WriteResult:
    delivery = delivery_code(session.config)
    found = (await find_sales(http, session, [key.record_key]))[key.record_key]
    if not found and key.record_key != key.record_key.strip():
        raise CannotBeHeld(reasons.BLANKS.write())
    if order.is_cancelled and len(found) <= 1:
        return await cancel_sale(http, session, key, found, order)
    if not found:
        values = await sale_values(http, session, key.record_key, order)
        await session.call(http, list[int], "model.sale.sale.create", [values])
        found = (await find_sales(http, session, [key.record_key]))[key.record_key]
    if len(found) > 1:
        return WriteResult(key, WriteState.REFUSED, reasons.SEVERAL_SALES.write(count=len(found)))
    if not found:
        return WriteResult(key, WriteState.REFUSED, reasons.SALE_LOST.write())
    sale = decode_sale(found[0], Sale)
    if not _equals(sale, order, delivery):
        sale = await amend_sale(http, session, sale, order)
        if not _equals(sale, order, delivery):
            return WriteResult(key, WriteState.REFUSED, reasons.OTHER_CONTENT.write())
    await _confirm(http, session, sale)
    return WriteResult(key, WriteState.ACCEPTED)


def _equals(sale: Sale, order: OrderValue, delivery: str) -> bool:
    try:
        return order_of(sale, delivery) == order
    except (ValueError, msgspec.DecodeError):
        return False


async def _confirm(http: HttpCaller, session: TrytonSession, sale: Sale) -> None:
    """Confirm the sale. Tryton's own buttons ignore a sale that is already in a later state."""
    if sale.state == SaleState.DRAFT:
        await session.call(http, Any, "model.sale.sale.quote", [sale.id])
    if sale.state in PENDING:
        await session.call(http, Any, "model.sale.sale.confirm", [sale.id])


def _reading(key: ElementKey, found: Sequence[msgspec.Raw], delivery: str) -> ChannelReading:
    """The reading of a sale. An unconfirmed sale does not count, because nothing is sent for it yet."""
    if len(found) > 1:
        return ChannelReading(key, None, unreadable=reasons.SEVERAL_SALES.write(count=len(found)))
    for raw in found:
        sale = decode_sale(raw, Sale)
        if sale.state in PENDING:
            return ChannelReading(key, None)
        try:
            return ChannelReading(key, order_of(sale, delivery))
        except (ValueError, msgspec.DecodeError) as problem:
            return ChannelReading(
                key, None, unreadable=reasons.SALE_SHOWN.write(sale=str(sale.id), reason=text_of(problem))
            )
    return ChannelReading(key, None)
