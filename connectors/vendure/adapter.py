"""Adapter of Vendure: values of product variants, found by SKU, and orders, found by number."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from canonical.dimensions import InvalidDimension, parse_dimension, part_of
from canonical.elements import DESCRIPTION, NAME, ORDER_STATUS, PRICE, STOCK
from canonical.keys import PRODUCT, ElementKey
from canonical.orders import ORDER
from canonical.values import TextValue
from connectors.batches import push_in_parts, read_in_parts
from connectors.key_hints import explain_unknown
from connectors.messages import NOT_SHOWN
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
from connectors.vendure import prices, reasons, stock, texts
from connectors.vendure.messages import LIST, VariantIds
from connectors.vendure.order_status import push_statuses, read_statuses
from connectors.vendure.outcomes import FAILED_CODES, UNKNOWN, VALUE_CODES, result
from connectors.vendure.session import LISTED, GraphQlRefused, VendureSession, VendureSessions
from connectors.vendure.texts import push_texts, read_texts
from connectors.vendure.variants import INPUT_BYTES, find_skus, push_fields, read_fields
from foundation.i18n.messages import MessageText, text_of


class _Push(Protocol):
    async def __call__(
        self, http: HttpCaller, session: VendureSession, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]: ...


class _Read(Protocol):
    async def __call__(
        self, http: HttpCaller, session: VendureSession, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]: ...


class _Part(msgspec.Struct, frozen=True):
    """Elements that are written by one mutation. `parts`: names of dimensions, by element."""

    record_type: str
    elements: Mapping[str, Sequence[str]]
    push: _Push
    read: _Read


_PARTS: Final = (
    _Part(PRODUCT, {PRICE: prices.PARTS, STOCK: stock.PARTS}, push_fields, read_fields),
    _Part(PRODUCT, {NAME: texts.PARTS, DESCRIPTION: texts.PARTS}, push_texts, read_texts),
    _Part(ORDER, {ORDER_STATUS: ()}, push_statuses, read_statuses),
)


class _Place(msgspec.Struct, frozen=True):
    """Target of a value: number of its part, token of its Vendure channel."""

    part: int
    channel: str


class Vendure:
    """Signs in once per connection and process; again when the shop's token has expired.

    Vendure has no compare-and-swap: readings have no version, and the caller orders the writes.
    """

    max_batch = 50  # the server takes some 10 ms per variant

    def __init__(self, sessions: VendureSessions | None = None) -> None:
        self._sessions = sessions or VendureSessions()

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        results = dict[int, WriteResult]()
        for place, indexes in _group(config, [write.key for write in writes]).items():
            chosen = [writes[index] for index in indexes]
            if isinstance(place, MessageText):
                results |= {i: result(writes[i], WriteState.REFUSED, place) for i in indexes}
                continue
            sent = await push_in_parts(
                http, chosen, self._sender(config, place), _size_of_write, most_items=self.max_batch
            )
            results |= dict(zip(indexes, sent, strict=True))

        async def existing(keys: Sequence[str]) -> list[str]:
            try:
                return await self._sessions.run(http, config, lambda session: find_skus(http, session, keys))
            except GraphQlRefused:
                return []  # earlier results stay valid

        return await explain_unknown([results[n] for n in range(len(writes))], writes, {UNKNOWN}, existing)

    def _sender(
        self, config: ConnectionConfig, place: _Place
    ) -> Callable[[HttpCaller, Sequence[ChannelWrite]], Awaitable[list[WriteResult]]]:
        push = _PARTS[place.part].push

        async def send(http: HttpCaller, writes: Sequence[ChannelWrite]) -> list[WriteResult]:
            async def act(session: VendureSession) -> list[WriteResult]:
                return await push(http, session.in_channel(place.channel), writes)

            try:
                return await self._sessions.run(http, config, act)
            except SystemUnavailable as problem:
                return [
                    result(w, WriteState.RETRY, problem.reason, problem.retry_after, whole=problem.whole)
                    for w in writes
                ]  # fmt: skip
            except (PayloadInvalid, GraphQlRefused) as problem:
                return [result(w, WriteState.RETRY, problem.reason) for w in writes]

        return send

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        readings = dict[int, ChannelReading]()
        for place, indexes in _group(config, keys).items():
            if isinstance(place, MessageText):
                readings |= {i: ChannelReading(keys[i], None) for i in indexes}
                continue
            chosen = [keys[index] for index in indexes]
            read = await read_in_parts(chosen, self._reader(http, config, place), _size_of_key, most_items=LISTED // 2)
            readings |= dict(zip(indexes, read, strict=True))
        return [readings[n] for n in range(len(keys))]

    def _reader(
        self, http: HttpCaller, config: ConnectionConfig, place: _Place
    ) -> Callable[[Sequence[ElementKey]], Awaitable[list[ChannelReading]]]:
        read = _PARTS[place.part].read

        async def query(keys: Sequence[ElementKey]) -> list[ChannelReading]:
            async def act(session: VendureSession) -> list[ChannelReading]:
                return await read(http, session.in_channel(place.channel), keys)

            try:
                return await self._sessions.run(http, config, act)
            except GraphQlRefused as problem:
                whole = problem.code in VALUE_CODES | FAILED_CODES
                raise SystemUnavailable(reasons.READING_REFUSED.write(reason=problem.reason), whole=whole) from problem

        return query

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        try:
            return await self._sessions.run(http, config, lambda session: _list(http, session, cursor))
        except GraphQlRefused as problem:
            raise SystemUnavailable(reasons.LISTING_REFUSED.write(reason=problem.reason)) from problem


def _group(config: ConnectionConfig, keys: Iterable[ElementKey]) -> dict[_Place | MessageText, list[int]]:
    """Indexes of `keys` by their target, or by the reason why they cannot be written."""
    grouped: dict[_Place | MessageText, list[int]] = {}
    for index, key in enumerate(keys):
        grouped.setdefault(_place_of(config, key), []).append(index)
    return grouped


def _place_of(config: ConnectionConfig, key: ElementKey) -> _Place | MessageText:
    fitting = [
        n for n, part in enumerate(_PARTS) if part.record_type == key.record_type and key.element in part.elements
    ]
    if not fitting:
        return NOT_SHOWN.write(system="Vendure", element=key.element)
    allowed = _PARTS[fitting[0]].elements[key.element]
    try:
        divided = [name for name, _ in parse_dimension(key.dimension) if name not in allowed]
    except InvalidDimension as problem:
        return text_of(problem)
    if divided:
        return reasons.NOT_DIVIDED.write(element=key.element, dimension=divided[0])
    wanted = part_of(key.dimension, "price_list")
    channels = read_price_lists(config)
    if wanted and wanted not in channels:
        known = reasons.KNOWN_LISTS.write(named=list(channels)) if channels else reasons.NO_KNOWN_LIST.write()
        return reasons.NO_PRICE_LIST.write(name=wanted, known=known)
    return _Place(fitting[0], channels[wanted] if wanted else config.settings.get("channel_token", ""))


def read_price_lists(config: ConnectionConfig) -> dict[str, str]:
    """Tokens of Vendure channels by the price list that each shows."""
    pairs = [pair.partition("=") for pair in config.settings.get("price_lists", "").split(",") if pair]
    return {name.strip(): token.strip() for name, _, token in pairs}


async def _list(http: HttpCaller, session: VendureSession, cursor: str) -> KeyPage:
    """Vendure lists by position only. Variants removed during the reading shift the rest (`connectors.offsets`)."""
    skus: dict[str, str] = {}
    total: int | None = None

    async def fetch(skip: int) -> OffsetPage:
        nonlocal total
        listed = (await session.query_list(http, LIST, {"skip": skip}, VariantIds)).product_variants
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


def _size_of_write(write: ChannelWrite) -> int:
    text = len(msgspec.json.encode(write.value.text)) if isinstance(write.value, TextValue) else 0
    return len(msgspec.json.encode(write.record_key)) + INPUT_BYTES + text


def _size_of_key(key: ElementKey) -> int:
    return len(msgspec.json.encode(key.record_key)) + 1
