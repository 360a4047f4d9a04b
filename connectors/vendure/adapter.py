"""Adapter of Vendure: list prices and stock of product variants, found by SKU."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from canonical.elements import PRICE, STOCK
from canonical.keys import PRODUCT, ElementKey
from canonical.money import InexactAmount, number_text, parse_decimal, to_integer
from canonical.values import MoneyValue, QuantityValue, money, quantity
from connectors.batches import push_in_parts, read_in_parts
from connectors.key_hints import explain_unknown
from connectors.offsets import OffsetPage, read_by_offset
from connectors.ports import (
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
from connectors.vendure.lookup import Lookup
from connectors.vendure.messages import IDS, LIST, UPDATE, VARIANTS, Updated, Variant, VariantId, VariantIds, Variants
from connectors.vendure.session import LISTED, Facts, GraphQlRefused, VendureSession, is_signed_out, sign_in

Result = TypeVar("Result")
Found = TypeVar("Found", VariantId, Variant)

_UNKNOWN: Final = "Vendure has no variant with this SKU. Create it there, or unmap the record."
_SHARED: Final = "At least {} variants have this SKU in Vendure, so it is not known which is meant. Give each its own."
_OLDER: Final = "A newer value of the same field was in the same batch."
# Errors caused by a single value; any other is the shop's own and temporary.
_VALUE_CODES: Final = frozenset(
    {"USER_INPUT_ERROR", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "ILLEGAL_OPERATION"}
)
_FAILED_CODES: Final = frozenset({"INTERNAL_SERVER_ERROR"})
_EXACT: Final = 2**53 - 1
_INEXACT: Final = f"Vendure keeps numbers exactly up to {_EXACT} only."
_INPUT_BYTES: Final = 160
"""Size that one value adds to a mutation besides its key."""


class Vendure:
    """Signs in once per connection and process; again when the shop's token has expired.

    Vendure has no compare-and-swap: readings have no version, and the caller orders the writes.
    """

    max_batch = 50  # the server takes some 10 ms per variant

    def __init__(self) -> None:
        self._sessions: dict[str, VendureSession] = {}

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        return await push_in_parts(
            http,
            writes,
            lambda caller, part: self._send(caller, config, part),
            _size_of_write,
            most_items=self.max_batch,
        )

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        return await read_in_parts(
            keys, lambda part: self._ask(http, config, part), _size_of_key, most_items=LISTED // 2
        )

    async def _send(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        try:
            return await self._signed_in(http, config, lambda session: _push(http, session, writes))
        except SystemUnavailable as problem:
            return [_result(w, WriteState.RETRY, problem.detail, problem.retry_after, problem.whole) for w in writes]
        except (PayloadInvalid, GraphQlRefused) as problem:
            return [_result(w, WriteState.RETRY, str(problem)) for w in writes]

    async def _ask(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        skus = list(dict.fromkeys(sku for sku, *_ in keys))
        try:
            return await self._signed_in(http, config, lambda session: _read(http, session, skus, keys))
        except GraphQlRefused as problem:
            whole = problem.code in _VALUE_CODES | _FAILED_CODES
            raise SystemUnavailable(f"Vendure did not answer the reading: {problem}", whole=whole) from problem

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        try:
            return await self._signed_in(http, config, lambda session: _list(http, session, cursor))
        except GraphQlRefused as problem:
            raise SystemUnavailable(f"Vendure did not list its variants: {problem}") from problem

    async def _signed_in(
        self, http: HttpCaller, config: ConnectionConfig, act: Callable[[VendureSession], Awaitable[Result]]
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


async def _push(http: HttpCaller, session: VendureSession, writes: Sequence[ChannelWrite]) -> list[WriteResult]:
    # Looked up for every push: with a cached id, a SKU that has moved would update the wrong product, and with a cached
    # currency a price would be written in another one.
    skus = sorted({write.record_key for write in writes})
    answer, variants = await Lookup(http, session, IDS, VariantIds).find(skus)
    facts = await session.facts(http, answer)
    found = _by_sku(variants)
    refused = {i: reason for i, write in enumerate(writes) if (reason := _cannot_be_shown(write, facts, found))}
    newest = sorted(_newest([index for index in range(len(writes)) if index not in refused], writes))
    sent = await _update(http, session, facts, [writes[index] for index in newest], found)
    updated = dict(zip(newest, sent, strict=True))
    results = []
    for index, write in enumerate(writes):
        if index in refused:
            results.append(_result(write, WriteState.REFUSED, refused[index]))
        else:
            results.append(updated.get(index) or _result(write, WriteState.STALE, _OLDER))

    async def existing(keys: Sequence[str]) -> list[str]:
        try:
            return [variant.sku for variant in (await Lookup(http, session, IDS, VariantIds).find(keys))[1]]
        except GraphQlRefused:
            return []  # earlier results stay valid

    return await explain_unknown(results, writes, {_UNKNOWN}, existing)


def _newest(indexes: list[int], writes: Sequence[ChannelWrite]) -> frozenset[int]:
    """Those of `indexes` whose write has the highest version for its field."""
    chosen: dict[ElementKey, int] = {}
    for index in indexes:
        write = writes[index]
        before = chosen.setdefault(write.key, index)
        if writes[before].version < write.version:
            chosen[write.key] = index
    return frozenset(chosen.values())


async def _update(
    http: HttpCaller,
    session: VendureSession,
    facts: Facts,
    writes: list[ChannelWrite],
    found: Mapping[str, Sequence[VariantId]],
) -> list[WriteResult]:
    """The shop applies a mutation completely or not at all: when one value is refused, `push_in_parts` finds it."""
    if not writes:
        return []
    try:
        await session.ask(http, UPDATE, {"input": _inputs(writes, facts, found)}, Updated)
    except GraphQlRefused as problem:
        if is_signed_out(problem):
            raise
        refused = problem.code in _VALUE_CODES
        state = WriteState.REFUSED if refused else WriteState.RETRY
        return [_result(w, state, str(problem), whole=refused or problem.code in _FAILED_CODES) for w in writes]
    except PayloadInvalid as problem:  # a reading determines whether it was applied
        return [_result(w, WriteState.ACCEPTED, str(problem)) for w in writes]
    except SystemUnavailable as problem:
        # Not a sign-in problem. A permanent refusal of the request applies to each value in it.
        state = WriteState.REFUSED if problem.permanent else WriteState.RETRY
        failed = [_result(w, state, problem.detail, problem.retry_after, problem.whole) for w in writes]
        return [msgspec.structs.replace(result, uncertain=not problem.permanent) for result in failed]
    return [_result(w, WriteState.ACCEPTED) for w in writes]


async def _read(
    http: HttpCaller, session: VendureSession, skus: list[str], keys: Sequence[ElementKey]
) -> list[ChannelReading]:
    answer, variants = await Lookup(http, session, VARIANTS, Variants).find(skus)
    facts = await session.facts(http, answer)
    found = _by_sku(variants)
    return [_reading(facts, key, found.get(key.record_key, ())) for key in keys]


def _by_sku(variants: Sequence[Found]) -> dict[str, list[Found]]:
    """Variants by SKU. A SKU shared by several variants is ambiguous. A variant may occur on two pages."""
    found: dict[str, list[Found]] = {}
    for variant in {variant.id: variant for variant in variants}.values():
        found.setdefault(variant.sku, []).append(variant)
    return found


async def _list(http: HttpCaller, session: VendureSession, cursor: str) -> KeyPage:
    """Vendure lists by position only. Variants removed meanwhile shift the rest (`connectors.offsets`)."""
    skus: dict[str, str] = {}
    total: int | None = None

    async def fetch(skip: int) -> OffsetPage:
        nonlocal total
        listed = (await session.ask_list(http, LIST, {"skip": skip}, VariantIds)).product_variants
        total = listed.total_items
        skus.update({item.id: item.sku for item in listed.items})
        ids = [item.id for item in listed.items]
        return OffsetPage(ids, more=len(ids) >= session.take if total is None else skip + len(ids) < total)

    stretch = await read_by_offset(cursor, fetch)
    ids = stretch.page.ids[stretch.first :]
    keys = list(dict.fromkeys(skus[id_] for id_ in ids if skus[id_]))
    unkeyed = sum(not skus[id_] for id_ in ids)
    identity = f"{ids[0]} {ids[-1]}" if ids else ""
    return KeyPage(keys, stretch.cursor, stretch.page.more, unkeyed=unkeyed, total=total, identity=identity)


def _inputs(writes: list[ChannelWrite], facts: Facts, found: Mapping[str, Sequence[VariantId]]) -> list[dict[str, Any]]:
    """One input per variant: price and stock of the same SKU are sent together."""
    inputs: dict[str, dict[str, Any]] = {}
    for write in writes:
        fields = inputs.setdefault(write.record_key, {"id": found[write.record_key][0].id})
        if isinstance(write.value, MoneyValue):
            # Explicit, or Vendure assumes the channel's current default currency, which may have changed since the
            # look-up.
            amount = _shop_amount(write.value, facts.precision)
            fields["prices"] = [{"currencyCode": write.value.currency, "price": amount}]
        elif isinstance(write.value, QuantityValue):
            on_hand = to_integer(write.value.number)
            fields["stockLevels"] = [{"stockLocationId": facts.location_id, "stockOnHand": on_hand}]
    return list(inputs.values())


def _cannot_be_shown(write: ChannelWrite, facts: Facts, found: Mapping[str, Sequence[VariantId]]) -> str:
    key, value = write.key, write.value
    if not _is_shown(key):
        return f"Vendure does not show {write.element} to anyone."
    if isinstance(value, QuantityValue) and (reason := _stock_cannot_be_shown(value, facts)):
        return reason
    if isinstance(value, MoneyValue) and (reason := _price_cannot_be_shown(value, facts)):
        return reason
    variants = found.get(write.record_key, ())
    if len(variants) > 1:
        return _SHARED.format(len(variants))
    return "" if variants else _UNKNOWN


def _is_shown(key: ElementKey) -> bool:
    return key.record_type == PRODUCT and not key.dimension and key.element in (PRICE, STOCK)


def _stock_cannot_be_shown(value: QuantityValue, facts: Facts) -> str:
    if not facts.location_id:
        return "Vendure has no stock location. Create one there."
    return "" if value == quantity(value.amount) and "." not in value.amount else "Vendure counts whole pieces only."


def _price_cannot_be_shown(value: MoneyValue, facts: Facts) -> str:
    if facts.trouble:
        return facts.trouble
    if value.currency != facts.currency:
        return f"This Vendure channel sells in {facts.currency}, not in {value.currency}."
    if value.number < 0:
        return "Vendure would show a negative price; it is not sent."
    amount = None if value.minor is None else _shop_amount(value, facts.precision)
    if amount is None:
        return f"Vendure is set to {facts.precision} digits and cannot hold this price exactly."
    return "" if amount <= _EXACT else f"{_INEXACT} The price would be {amount}."


def _shop_amount(value: MoneyValue, precision: int) -> int | None:
    """None when the shop's precision cannot hold the amount."""
    shifted = value.number.scaleb(precision)
    return int(shifted) if shifted == shifted.to_integral_value() else None


def _reading(facts: Facts, key: ElementKey, variants: Sequence[Variant]) -> ChannelReading:
    if not _is_shown(key):
        return ChannelReading(key, None)
    if len(variants) > 1:
        return ChannelReading(key, None, unreadable=_SHARED.format(len(variants)))
    for variant in variants:
        if key.element == STOCK:
            on_hand = [s.stock_on_hand for s in variant.stock_levels if s.stock_location_id == facts.location_id]
            return _stock_reading(key, number_text(bytes(on_hand[0])) if on_hand else "0")
        for price in variant.prices:
            if price.currency_code == facts.currency:
                return _price_reading(facts, key, number_text(bytes(price.price)))
    return ChannelReading(key, None)


def _stock_reading(key: ElementKey, text: str) -> ChannelReading:
    try:
        return ChannelReading(key, quantity(_whole(text)))
    except InexactAmount as problem:
        return ChannelReading(key, None, unreadable=f"{text[:60]} ({problem})")


def _whole(text: str) -> int:
    """Raises InexactAmount, also above the exact range of floats, where two of our numbers map to one."""
    number = parse_decimal(text)
    if abs(number) > _EXACT:
        raise InexactAmount(_INEXACT)
    return to_integer(number)


def _price_reading(facts: Facts, key: ElementKey, text: str) -> ChannelReading:
    if facts.trouble:
        return ChannelReading(key, None, unreadable=f"{text} {facts.currency}. {facts.trouble}")
    try:
        price = money(Decimal(_whole(text)).scaleb(-facts.precision), facts.currency)
    except InexactAmount:  # not representable, and no reason to fail the neighbours
        price = None
    if price is None or price.minor is None:
        unreadable = f"{text[:60]} with {facts.precision} digits after the point, which is no exact {facts.currency}"
        return ChannelReading(key, None, unreadable=unreadable)
    return ChannelReading(key, price)


def _size_of_write(write: ChannelWrite) -> int:
    return len(msgspec.json.encode(write.record_key)) + _INPUT_BYTES


def _size_of_key(key: ElementKey) -> int:
    return len(msgspec.json.encode(key.record_key)) + 1


def _result(
    write: ChannelWrite,
    state: WriteState,
    detail: str = "",
    retry_after: float | None = None,
    whole: bool = False,  # noqa: FBT001, FBT002
) -> WriteResult:
    return WriteResult(write.key, state, detail, retry_after, whole)
