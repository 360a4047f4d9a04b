"""Adapter of the sandbox shop."""

from collections.abc import Sequence
from typing import Final

import msgspec

from canonical.elements import ORDER_STATUS, PRICE, REFERENCE_ELEMENTS, STOCK
from canonical.keys import PRODUCT, ElementKey
from canonical.money import minor_exponent
from canonical.orders import ORDER
from canonical.values import MoneyValue, QuantityValue, Value, minor_money, quantity
from connectors import messages
from connectors.batches import push_in_parts, read_supported
from connectors.http.errors import check_readable, failed_writes
from connectors.http.requests import endpoint, json_headers
from connectors.key_hints import explain_unknown
from connectors.offsets import OffsetPage, read_by_offset
from connectors.ports import (
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    KeyPage,
    PayloadInvalid,
    WriteResult,
    WriteState,
)
from connectors.sandbox import reasons
from connectors.sandbox.shop.messages import (
    Field,
    Keys,
    NewShopValue,
    NewShopValues,
    Products,
    Shown,
    ShownRaw,
    ShownValues,
    WriteOutcomes,
)
from foundation.decoding import ForeignDecoder, JsonDecoder, decode_json
from foundation.i18n.messages import NOTHING, text_of

_LISTED: Final = 500
_FIELDS: Final[dict[str, Field]] = {PRICE: "price", STOCK: "stock"}
_SHOP: Final = reasons.SHOP.write()
_UNKNOWN: Final = reasons.UNKNOWN_PRODUCT.write()
_STATES: Final = {
    "applied": (WriteState.ACCEPTED, NOTHING),
    "stale": (WriteState.STALE, reasons.NEWER_THERE.write()),
    "unknown_sku": (WriteState.REFUSED, _UNKNOWN),
    "invalid": (WriteState.REFUSED, reasons.VALUE_NOT_TAKEN.write()),
}
# Only a reading determines whether the write was applied.
_UNHEARD_OF: Final = (WriteState.ACCEPTED, messages.NOT_UNDERSTOOD.write(system=_SHOP))
_Shown: Final = JsonDecoder(Shown | None)


class SandboxShop:
    max_batch = 250

    def __init__(self) -> None:
        self._outcomes = ForeignDecoder(WriteOutcomes)
        self._shown = ForeignDecoder(ShownValues)
        self._products = ForeignDecoder(Products)

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        refused = {index: _not_shown(write) for index, write in enumerate(writes) if not _is_shown(write.key)}
        sendable = [write for write in writes if _is_shown(write.key)]
        if not sendable:
            return list(refused.values())
        results = await push_in_parts(
            http,
            sendable,
            lambda caller, part: self._send(caller, config, part),
            _size_of_write,
            most_items=self.max_batch,
        )

        async def existing(keys: Sequence[str]) -> list[str]:
            readings = await self.read(http, config, [ElementKey(key, PRICE) for key in keys])
            return [reading.record_key for reading in readings if reading.value is not None]

        sent = iter(await explain_unknown(results, sendable, {_UNKNOWN}, existing))
        return [refused[index] if index in refused else next(sent) for index in range(len(writes))]

    async def _send(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]:
        values = [_new_value(write) for write in writes]
        response = await http.request(
            "PUT",
            endpoint(config, "/values"),
            headers=json_headers(config.secrets["api_key"]),
            content=msgspec.json.encode(NewShopValues(values)),
        )
        if (failed := failed_writes(response, writes)) is not None:
            return failed
        try:
            outcomes = self._outcomes.decode(response.content).results
        except msgspec.DecodeError:
            outcomes = []
        if len(outcomes) != len(writes):
            return [WriteResult(w.key, *_UNHEARD_OF) for w in writes]
        results = []
        for write, outcome in zip(writes, outcomes, strict=True):
            state, detail = _STATES.get(outcome.status, _UNHEARD_OF)
            reason = messages.SYSTEM_TEXT.write(system=_SHOP, text=outcome.detail) if outcome.detail else detail
            results.append(WriteResult(write.key, state, reason))
        return results

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        return await read_supported(
            keys, _is_shown, lambda part: self._read_part(http, config, part), _size_of_key, most_items=self.max_batch
        )

    async def _read_part(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]:
        response = await http.request(
            "POST",
            endpoint(config, "/values/read"),
            headers=json_headers(config.secrets["api_key"]),
            content=msgspec.json.encode(Keys([(key.record_key, _field(key)) for key in keys])),
        )
        check_readable(response, _SHOP)
        try:
            values = self._shown.decode(response.content).values
        except msgspec.DecodeError as problem:
            raise _changed("values", problem) from problem
        if len(values) != len(keys):
            raise PayloadInvalid(messages.WRONG_COUNT.write(system=_SHOP, number=len(keys), count=len(values)))
        if drift := _drift(values):
            raise _changed("values", drift)
        return [_reading(key, raw) for key, raw in zip(keys, values, strict=True)]

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        """The shop lists by position only."""
        stretch = await read_by_offset(cursor, lambda start: self._list(http, config, start))
        skus = list(stretch.page.ids[stretch.first :])
        keys = [sku for sku in skus if sku]
        identity = "" if keys else stretch.cursor  # pages without a SKU have no other identity
        return KeyPage(keys, stretch.cursor, stretch.page.more, unkeyed=len(skus) - len(keys), identity=identity)

    async def _list(self, http: HttpCaller, config: ConnectionConfig, start: int) -> OffsetPage:
        response = await http.request(
            "GET",
            endpoint(config, f"/products?start={start}&size={_LISTED}"),
            headers=json_headers(config.secrets["api_key"]),
        )
        check_readable(response, _SHOP)
        try:
            page = self._products.decode(response.content)
        except msgspec.DecodeError as problem:
            raise _changed("products", problem) from problem
        return OffsetPage(page.skus, page.more)


def _changed(what: str, error: Exception) -> PayloadInvalid:
    return PayloadInvalid(messages.ANSWER_CHANGED.write(system=_SHOP, what=what, error=text_of(error)))


def _is_shown(key: ElementKey) -> bool:
    if key.record_type == ORDER:
        return key.element == ORDER_STATUS and not key.dimension
    return key.record_type == PRODUCT and key.element not in REFERENCE_ELEMENTS


def _field(key: ElementKey) -> Field:
    return f"{key.element}@{key.dimension}" if key.dimension else _FIELDS.get(key.element, f"{key.element}@")


def _not_shown(write: ChannelWrite) -> WriteResult:
    return WriteResult(write.key, WriteState.REFUSED, messages.NOT_SHOWN.write(system=_SHOP, element=write.element))


def _drift(values: Sequence[msgspec.Raw]) -> Exception | None:
    """Format drift: none of the values has the expected fields. Odd content of one value is not drift."""
    reason: Exception | None = None
    for raw in values:
        try:
            shown = decode_json(raw, type=ShownRaw | None)
        except msgspec.DecodeError as problem:
            reason = reason or problem
        else:
            if shown is None or not shown.missing:
                return None
            reason = reason or msgspec.ValidationError(f"Object missing required field `{shown.missing}`")
    return reason


def _reading(key: ElementKey, raw: msgspec.Raw) -> ChannelReading:
    try:
        shown = _Shown.decode(raw)
        value = None if shown is None else _value(shown)
    except (msgspec.DecodeError, ValueError) as problem:
        text = bytes(raw)[:100].decode("utf-8", "replace")
        return ChannelReading(key, None, unreadable=messages.SHOWN_UNREADABLE.write(text=text, reason=text_of(problem)))
    return ChannelReading(key, value, None if shown is None else shown.version)


def _value(shown: Shown) -> Value:
    """Raises ValueError."""
    if shown.value is not None:
        return shown.value
    if shown.amount is None or shown.currency is None:
        raise msgspec.ValidationError("Object missing required field `amount`")
    if not shown.currency:
        return quantity(shown.amount)
    minor_exponent(shown.currency)
    return minor_money(shown.amount, shown.currency)


def _new_value(write: ChannelWrite) -> NewShopValue:
    amount, currency, value = _amount(write)
    return NewShopValue(
        write.record_key, _field(write.key), amount, currency, write.version, write.idempotency_key, value
    )


def _amount(write: ChannelWrite) -> tuple[int, str, Value | None]:
    """Undivided prices and stock as the integers that the shop stores; anything else as its value."""
    value = write.value
    if not write.key.dimension and write.element in _FIELDS:
        if isinstance(value, MoneyValue) and (minor := value.minor) is not None:
            return minor, value.currency, None
        if isinstance(value, QuantityValue) and "." not in value.amount and value == quantity(value.amount):
            return int(value.amount), "", None
    return 0, "", value


def _size_of_write(write: ChannelWrite) -> int:
    return len(msgspec.json.encode(_new_value(write))) + 1


def _size_of_key(key: ElementKey) -> int:
    return len(msgspec.json.encode((key.record_key, _field(key)))) + 1
