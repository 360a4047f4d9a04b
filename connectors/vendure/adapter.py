"""Vendure behind the port: list prices and stock of product variants, found by SKU."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from canonical.elements import PRICE, STOCK, Value
from canonical.money import minor_exponent
from connectors.port import (
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    KeyPage,
    PayloadInvalid,
    SystemUnavailable,
    WriteResult,
    WriteState,
)
from connectors.vendure.messages import IDS, LIST, UPDATE, VARIANTS, Updated, Variant, VariantId, VariantIds, Variants
from connectors.vendure.session import GraphQlRefused, Session, is_signed_out, sign_in

Result = TypeVar("Result")

_LISTED: Final = 200
_UNKNOWN: Final = "Vendure has no variant with this SKU. Create it there, or unmap the record."
_OLDER: Final = "A newer value of the same field was in the same batch."
# Of these a single value is the cause; anything else is the shop's own trouble and passes.
_VALUE_CODES: Final = frozenset(
    {"USER_INPUT_ERROR", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "ILLEGAL_OPERATION"}
)


class Vendure:
    """Signs in once per connection and process; again when the shop has forgotten the token.

    Vendure has no compare-and-swap: readings have no version, and the order of writes is the caller's.
    """

    max_batch = 50  # the server takes some 10 ms per variant

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        if not writes:
            return []
        try:
            return await self._signed_in(http, config, lambda session: _push(http, session, writes))
        except SystemUnavailable as problem:
            return [_result(w, WriteState.RETRY, problem.detail, problem.retry_after) for w in writes]
        except (PayloadInvalid, GraphQlRefused) as problem:
            return [_result(w, WriteState.RETRY, str(problem)) for w in writes]

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[tuple[str, str]]
    ) -> list[ChannelReading]:
        if not keys:
            return []
        skus = list(dict.fromkeys(sku for sku, _ in keys))
        try:
            return await self._signed_in(http, config, lambda session: _read(http, session, skus, keys))
        except GraphQlRefused as problem:
            raise SystemUnavailable(f"Vendure did not answer the reading: {problem}") from problem

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        start = int(cursor or 0)
        try:
            items = await self._signed_in(http, config, lambda session: _list(http, session, start))
        except GraphQlRefused as problem:
            raise SystemUnavailable(f"Vendure did not list its variants: {problem}") from problem
        skus = list(dict.fromkeys(item.sku for item in items if item.sku))
        return KeyPage(skus, str(start + len(items)), more=len(items) == _LISTED)

    async def _signed_in(
        self, http: HttpCaller, config: ConnectionConfig, act: Callable[[Session], Awaitable[Result]]
    ) -> Result:
        session = self._sessions.get(config.connection_id)
        if session is not None and session.config == config:
            try:
                return await act(session)
            except GraphQlRefused as problem:
                if not is_signed_out(problem):
                    raise
        session = await sign_in(http, config)
        self._sessions[config.connection_id] = session
        return await act(session)


async def _push(http: HttpCaller, session: Session, writes: Sequence[ChannelWrite]) -> list[WriteResult]:
    refused = {index: reason for index, write in enumerate(writes) if (reason := _cannot_be_shown(write, session))}
    newest = _newest([index for index in range(len(writes)) if index not in refused], writes)
    # Looked up for every push: a remembered id would let a SKU that has moved write to the wrong product.
    found = await _ids(http, session, [writes[index].record_key for index in newest])
    chosen = [index for index in newest if writes[index].record_key in found]
    updated = dict(zip(chosen, await _update(http, session, [writes[i] for i in chosen], found), strict=True))
    results = []
    for index, write in enumerate(writes):
        if index in refused:
            results.append(_result(write, WriteState.REFUSED, refused[index]))
        elif index not in newest:
            results.append(_result(write, WriteState.STALE, _OLDER))
        else:
            results.append(updated.get(index) or _result(write, WriteState.REFUSED, _UNKNOWN))
    return results


def _newest(indexes: list[int], writes: Sequence[ChannelWrite]) -> frozenset[int]:
    """Of several writes to the same field the one with the highest version."""
    chosen: dict[tuple[str, str], int] = {}
    for index in indexes:
        write = writes[index]
        before = chosen.setdefault((write.record_key, write.element), index)
        if writes[before].version < write.version:
            chosen[write.record_key, write.element] = index
    return frozenset(chosen.values())


async def _update(
    http: HttpCaller, session: Session, writes: list[ChannelWrite], ids: Mapping[str, str]
) -> list[WriteResult]:
    """The shop applies a mutation whole or not at all: when one value is refused, halves find which."""
    if not writes:
        return []
    try:
        await session.ask(http, UPDATE, {"input": _inputs(writes, session, ids)}, Updated)
    except GraphQlRefused as problem:
        if is_signed_out(problem):
            raise
        if problem.code not in _VALUE_CODES:
            return [_result(w, WriteState.RETRY, str(problem)) for w in writes]
        if len(writes) == 1:
            return [_result(writes[0], WriteState.REFUSED, str(problem))]
        middle = len(writes) // 2
        first = await _update(http, session, writes[:middle], ids)
        return [*first, *await _update(http, session, writes[middle:], ids)]
    return [_result(w, WriteState.ACCEPTED) for w in writes]


async def _ids(http: HttpCaller, session: Session, skus: list[str]) -> dict[str, str]:
    if not skus:
        return {}
    answer = await session.ask(http, IDS, {"skus": sorted(set(skus))}, VariantIds)
    # Several variants may share a SKU in Vendure; the first is taken, in writing as in reading.
    return {variant.sku: variant.id for variant in reversed(answer.product_variants.items)}


async def _read(
    http: HttpCaller, session: Session, skus: list[str], keys: Sequence[tuple[str, str]]
) -> list[ChannelReading]:
    found = await _variants(http, session, skus)
    return [_reading(session, sku, element, found.get(sku)) for sku, element in keys]


async def _list(http: HttpCaller, session: Session, start: int) -> list[VariantId]:
    answer = await session.ask(http, LIST, {"skip": start, "take": _LISTED}, VariantIds)
    return answer.product_variants.items


async def _variants(http: HttpCaller, session: Session, skus: list[str]) -> dict[str, Variant]:
    answer = await session.ask(http, VARIANTS, {"skus": skus}, Variants)
    return {variant.sku: variant for variant in reversed(answer.product_variants.items)}


def _inputs(writes: list[ChannelWrite], session: Session, ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """One input per variant: price and stock of the same SKU travel together."""
    inputs: dict[str, dict[str, Any]] = {}
    for write in writes:
        fields = inputs.setdefault(write.record_key, {"id": ids[write.record_key]})
        if write.element == PRICE:
            fields["price"] = _shop_amount(write.value, session.precision)
        else:
            fields["stockLevels"] = [{"stockLocationId": session.location_id, "stockOnHand": write.value.amount}]
    return list(inputs.values())


def _cannot_be_shown(write: ChannelWrite, session: Session) -> str:
    value = write.value
    if write.element == STOCK:
        return "" if session.location_id else "Vendure has no stock location. Create one there."
    if write.element != PRICE:
        return f"Vendure does not show {write.element} to anyone."
    if value.currency != session.currency:
        return f"This Vendure channel sells in {session.currency}, not in {value.currency}."
    if value.amount < 0:
        return "Vendure would show a negative price; it is not sent."
    if _shop_amount(value, session.precision) is None:
        return f"Vendure is set to {session.precision} digits and cannot hold this price exactly."
    return ""


def _shop_amount(value: Value, precision: int) -> int | None:
    """None when the shop's precision cannot hold the amount."""
    shift = precision - minor_exponent(value.currency)
    if shift >= 0:
        return int(value.amount * 10**shift)
    amount, rest = divmod(value.amount, 10**-shift)
    return None if rest else amount


def _reading(session: Session, sku: str, element: str, variant: Variant | None) -> ChannelReading:
    if variant is None:
        return ChannelReading(sku, element, None)
    if element == STOCK:
        on_hand = [s.stock_on_hand for s in variant.stock_levels if s.stock_location_id == session.location_id]
        return ChannelReading(sku, element, Value(on_hand[0] if on_hand else 0))
    prices = [p for p in variant.prices if p.currency_code == session.currency] if element == PRICE else []
    if not prices:
        return ChannelReading(sku, element, None)
    shift = session.precision - minor_exponent(session.currency)
    amount, rest = divmod(prices[0].price, 10**shift) if shift >= 0 else (prices[0].price * 10**-shift, 0)
    if rest:  # a fraction of the smallest coin: no value of ours, and no reason to fail the neighbours
        return ChannelReading(sku, element, None)
    return ChannelReading(sku, element, Value(amount, session.currency))


def _result(write: ChannelWrite, state: WriteState, detail: str = "", retry_after: float | None = None) -> WriteResult:
    return WriteResult(write.record_key, write.element, state, detail, retry_after)
