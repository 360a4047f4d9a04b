"""Status of orders, written by the transitions that Vendure permits and read back from the order's state.

A placed order is confirmed. It is allocated when pending fulfillments cover all its lines. Vendure has no state for
open and for returned orders, and an order never goes back there.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from canonical.keys import ElementKey
from canonical.values import EnumerationValue
from connectors.ports import (
    ChannelReading,
    ChannelWrite,
    HttpCaller,
    PayloadInvalid,
    SystemUnavailable,
    WriteResult,
    WriteState,
)
from connectors.vendure import reasons
from connectors.vendure.order_messages import (
    CANCEL,
    FULFILL,
    MOVE,
    STATUSES,
    DoneAnswer,
    Fulfillment,
    OrderState,
    OrderStates,
)
from connectors.vendure.outcomes import VALUE_CODES, newest, result
from connectors.vendure.session import GraphQlRefused, VendureSession, is_signed_out
from foundation.i18n.messages import MessageText

_UNKNOWN: Final = reasons.NO_SUCH_ORDER.write()


class _State(StrEnum):
    """States of Vendure's orders and fulfillments that are distinguished here. Shops may add their own."""

    PENDING = "Pending"
    AUTHORIZED = "PaymentAuthorized"
    SETTLED = "PaymentSettled"
    SHIPPED = "Shipped"
    DELIVERED = "Delivered"
    CANCELLED = "Cancelled"
    MODIFYING = "Modifying"
    OWING = "ArrangingAdditionalPayment"


_STEPS: Final = ("confirmed", "allocated", "shipped", "delivered")
_CANCELLED: Final = "cancelled"
_STATUS_OF: Final = {_State.SHIPPED: "shipped", _State.DELIVERED: "delivered", _State.CANCELLED: _CANCELLED}
_STATE_OF: Final = {status: each for each, status in _STATUS_OF.items()}
_PLACED: Final = frozenset({_State.AUTHORIZED, _State.SETTLED})
_IN_CHANGE: Final = frozenset({_State.MODIFYING, _State.OWING})
_MANUAL: Final = "manual-fulfillment"
"""The handler that Vendure has by default, for fulfillment by hand."""
_TEMPORARY: Final = frozenset(
    {"INSUFFICIENT_STOCK_ON_HAND_ERROR", "ITEMS_ALREADY_FULFILLED_ERROR", "CREATE_FULFILLMENT_ERROR"}
)


class _Refused(Exception):
    """The order cannot get this status; `state` determines whether it may later."""

    def __init__(self, reason: MessageText, state: WriteState = WriteState.REFUSED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.state = state


async def push_statuses(http: HttpCaller, session: VendureSession, writes: Sequence[ChannelWrite]) -> list[WriteResult]:
    """Write statuses order by order, each from its current state, so that a repeated write has no second effect."""
    orders = await _look_up(http, session, [write.record_key for write in writes])
    chosen, results = set(newest(range(len(writes)), writes)), list[WriteResult]()
    for index, write in enumerate(writes):
        if index in chosen:
            results.append(await _push(http, session, write, orders.get(write.record_key)))
        else:
            results.append(result(write, WriteState.STALE, reasons.NEWER_STATUS.write()))
    return results


async def read_statuses(http: HttpCaller, session: VendureSession, keys: Sequence[ElementKey]) -> list[ChannelReading]:
    orders = await _look_up(http, session, [key.record_key for key in keys])
    readings = []
    for key in keys:
        order = orders.get(key.record_key)
        status = "" if order is None else _status_of(order)
        if order is None or status:
            readings.append(ChannelReading(key, EnumerationValue(status) if status else None))
        else:
            readings.append(ChannelReading(key, None, unreadable=reasons.STATE_SHOWN.write(state=order.state)))
    return readings


async def _look_up(http: HttpCaller, session: VendureSession, codes: Sequence[str]) -> dict[str, OrderState]:
    found: dict[str, OrderState] = {}
    wanted, skip = list(dict.fromkeys(codes)), 0
    while True:
        page = (await session.query_list(http, STATUSES, {"codes": wanted, "skip": skip}, OrderStates)).orders
        before = len(found)
        found |= {order.code: order for order in page.items}
        skip += len(page.items)
        if not page.items or skip >= page.total_items:
            return found
        if len(found) == before or len(found) > len(wanted):
            raise SystemUnavailable(reasons.ORDERS_ENDLESS.write())


async def _push(
    http: HttpCaller, session: VendureSession, write: ChannelWrite, order: OrderState | None
) -> WriteResult:
    if order is None:
        return result(write, WriteState.REFUSED, _UNKNOWN)
    try:
        if isinstance(write.value, EnumerationValue):
            await _move(http, session, order, write.value.code)
    except _Refused as problem:
        return result(write, problem.state, problem.reason)
    except GraphQlRefused as problem:
        if is_signed_out(problem):
            raise
        refused = problem.code in VALUE_CODES
        return result(write, WriteState.REFUSED if refused else WriteState.RETRY, problem.reason)
    except PayloadInvalid as problem:  # a reading determines whether it was applied
        return result(write, WriteState.ACCEPTED, problem.reason)
    except SystemUnavailable as problem:
        failed = result(write, WriteState.RETRY, problem.reason, problem.retry_after)
        return msgspec.structs.replace(failed, uncertain=True)
    return result(write, WriteState.ACCEPTED)


async def _move(http: HttpCaller, session: VendureSession, order: OrderState, wanted: str) -> None:
    """Raises _Refused, and as `VendureSession.query`."""
    current = _status_of(order)
    if current == wanted:
        return
    if wanted not in (*_STEPS, _CANCELLED):
        raise _Refused(reasons.NO_STATE.write(status=wanted, named=[*_STEPS, _CANCELLED]))
    _check_transition(order, current, wanted)
    if wanted == _CANCELLED:
        given: dict[str, Any] = {"orderId": order.id, "cancelShipping": True, "reason": "Cancelled in the ERP."}
        await _act(http, session, CANCEL, {"input": given})
        return
    fulfillments = [each for each in order.fulfillments or () if each.state != _State.CANCELLED]
    if left := _left(order):
        made = await _act(http, session, FULFILL, {"input": {"lines": left, "handler": _handler(order)}})
        fulfillments.append(Fulfillment(made, _State.PENDING, []))
    if state := _STATE_OF.get(wanted):
        for each in fulfillments:
            if each.state not in {state, _State.DELIVERED}:
                await _act(http, session, MOVE, {"id": each.id, "state": state})


def _check_transition(order: OrderState, current: str, wanted: str) -> None:
    """Raises _Refused when Vendure would not move the order, or only a part of it."""
    if current == _CANCELLED:
        raise _Refused(reasons.CANCELLED_THERE.write())
    if current in _STEPS and wanted in _STEPS and _STEPS.index(current) > _STEPS.index(wanted):
        raise _Refused(reasons.FURTHER_THERE.write(status=current))
    if order.state == _State.AUTHORIZED and wanted != _CANCELLED:
        raise _Refused(reasons.ONLY_AUTHORIZED.write(status=wanted), WriteState.RETRY)
    needed = _STATE_OF.get(wanted, _State.SHIPPED)
    is_late = wanted == "confirmed" or (wanted == "allocated" and order.state not in _PLACED)
    if is_late or order.state in _IN_CHANGE or needed not in order.next_states:
        raise _Refused(reasons.NO_WAY.write(state=order.state, status=wanted), WriteState.RETRY)


def _status_of(order: OrderState) -> str:
    """Empty for a state without a code of ours, such as that of a partly shipped order."""
    if order.state in _PLACED:
        return "confirmed" if _left(order) else "allocated"
    return next((status for each, status in _STATUS_OF.items() if each == order.state), "")


def _left(order: OrderState) -> list[dict[str, Any]]:
    """Lines, as far as they are in no fulfillment yet."""
    taken: dict[str, int] = {}
    for fulfillment in order.fulfillments or ():
        for line in fulfillment.lines if fulfillment.state != _State.CANCELLED else ():
            taken[line.order_line_id] = taken.get(line.order_line_id, 0) + line.quantity
    rest = {line.id: line.quantity - taken.get(line.id, 0) for line in order.lines}
    return [{"orderLineId": line_id, "quantity": count} for line_id, count in rest.items() if count > 0]


def _handler(order: OrderState) -> dict[str, Any]:
    """The handler of the order's shipping method."""
    code = order.shipping_lines[0].shipping_method.fulfillment_handler_code if order.shipping_lines else _MANUAL
    given = {"method": "ERP", "trackingCode": ""} if code == _MANUAL else {}
    return {"code": code, "arguments": [{"name": name, "value": value} for name, value in given.items()]}


async def _act(http: HttpCaller, session: VendureSession, mutation: str, variables: Mapping[str, Any]) -> str:
    """The id of the object that the mutation created. Raises _Refused with the shop's own reason."""
    done = (await session.query(http, mutation, variables, DoneAnswer)).done
    if done.error_code:
        state = WriteState.RETRY if done.error_code in _TEMPORARY else WriteState.REFUSED
        raise _Refused(reasons.NOT_MOVED.write(text=done.message), state)
    return done.id
