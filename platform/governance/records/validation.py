"""Validation of observations and readings. An invalid one is quarantined with its message, never with its batch."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from canonical.dimensions import InvalidDimension, parse_dimension
from canonical.elements import ElementType, element_type
from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.money import UnknownCurrency, minor_exponent
from canonical.orders import OrderValue
from canonical.values import (
    EnumerationValue,
    ListValue,
    MoneyValue,
    ReferenceValue,
    TextValue,
    Value,
    type_of,
    write_plainly,
)
from connectors.ports import ChannelReading, PayloadInvalid
from foundation.i18n.messages import NOTHING, MessageText, reason_of
from foundation.text import REPLACEMENT, clean_error_text, is_storable
from governance.messages import reasons

_LARGEST: Final = 2**63 - 1
_LARGEST_VERSION: Final = 2**62
_LONGEST: Final = 200
_QUOTED: Final = 80
DRIFT: Final = timedelta(minutes=5)
"""Largest clock difference between our own processes."""
_ELEMENT: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
_RECORD_TYPE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


def admit(seen: Observation, *, received_at: datetime) -> Observation:
    """Return the observation, its commit time capped at the receipt: a sender's fast clock must not stop ours.

    Raises:
        PayloadInvalid: the observation cannot be stored, or its content is impossible.
    """
    if not is_admissible_key(seen.record_key):
        raise PayloadInvalid(reasons.KEY_NOT_KEPT.write(most=_LONGEST))
    subject = {"element": seen.element, "record_key": seen.record_key}
    if len(seen.source_id) > _LONGEST or not is_storable(seen.source_id):
        raise PayloadInvalid(reasons.IDENTITY_NOT_KEPT.write(**subject))
    if trouble := find_trouble(seen.key, seen.value):
        raise PayloadInvalid(reasons.VALUE_NOT_KEPT.write(**subject, reason=trouble))
    if not 0 <= seen.source_version <= _LARGEST:
        raise PayloadInvalid(reasons.VERSION_TOO_LARGE.write(**subject))
    if seen.committed_at.tzinfo is None or seen.committed_at < _EARLIEST:
        raise PayloadInvalid(reasons.TIME_IMPOSSIBLE.write(**subject, time=seen.committed_at.isoformat()))
    if seen.committed_at <= received_at:
        return seen
    return msgspec.structs.replace(seen, committed_at=received_at)


def latest_version(now: datetime) -> int:
    """The highest valid version of a reading of ours; a higher one was assigned by a clock that ran ahead."""
    return to_microseconds(now + DRIFT)


def to_microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def bound_version(seen: Observation, *, now: datetime) -> Observation:
    """Return the observation, its own reading version capped at now, so that the next reading does not seem older."""
    if not seen.version_is_ours or seen.source_version <= latest_version(now):
        return seen
    return msgspec.structs.replace(seen, source_version=to_microseconds(now))


def admit_reading(reading: ChannelReading) -> ChannelReading:
    """Return the reading, without a value that cannot be stored or is invalid for its element: no proof."""
    value, version = reading.value, reading.version
    if version is not None and not 0 <= version <= _LARGEST_VERSION:  # our versions continue from this one
        reading = msgspec.structs.replace(reading, version=None)
    if value is None or not (trouble := find_trouble(reading.key, value)):
        return reading
    return msgspec.structs.replace(
        reading, value=None, unreadable=reasons.VALUE_SHOWN.write(text=quote_value(value), reason=trouble)
    )


def quote_value(value: Value) -> str:
    """The value as sent by the other system, cut to a length for sentences."""
    return clean_error_text(write_plainly(value), longest=_QUOTED)


def find_trouble(key: ElementKey, value: Value, declared: ElementType | None = None) -> MessageText:
    """Reason why the value is not valid for the key; empty if it is valid. `declared`: the type of a custom element."""
    known = declared or element_type(key.element)
    if trouble := _key_trouble(key.element, key.record_type, None if known is None else known.record_type):
        return trouble
    try:
        parts = dict(parse_dimension(key.dimension)) if key.dimension else {}
    except InvalidDimension as problem:
        return reason_of(problem)
    if known is not None and (trouble := _misfit(known, parts, value)):
        return trouble
    if isinstance(value, MoneyValue) and parts.get("currency", value.currency) != value.currency:
        return reasons.OTHER_CURRENCY.write(currency=value.currency, dimension=parts["currency"])
    return _content_trouble(value)


@lru_cache(1_000)
def _key_trouble(element: str, record_type: str, declared: str | None) -> MessageText:
    if len(element) > _LONGEST or not _ELEMENT.fullmatch(element):
        return reasons.ELEMENT_NAME.write()
    if not _RECORD_TYPE.fullmatch(record_type) or declared not in {None, record_type}:
        return reasons.RECORD_TYPE.write(type=record_type[:40])
    return NOTHING


def _misfit(known: ElementType, parts: Mapping[str, str], value: Value) -> MessageText:
    if others := [name for name in parts if name not in known.dimensions]:
        return reasons.NOT_DIVIDED.write(dimension=others[0])
    if (kind := type_of(value)) != known.value_type:
        return reasons.OTHER_TYPE.write(wanted=known.value_type, type=kind)
    if isinstance(value, EnumerationValue) and known.codes and value.code not in known.codes:
        return reasons.UNKNOWN_CODE.write(code=value.code, codes=", ".join(known.codes))
    return NOTHING


def _content_trouble(value: Value) -> MessageText:
    match value:
        case MoneyValue(currency=currency) | OrderValue(currency=currency):
            try:
                minor_exponent(currency)
            except UnknownCurrency as problem:
                return reason_of(problem)
            if isinstance(value, OrderValue):
                return _order_trouble(value)
        case TextValue(text=text) | ReferenceValue(record_key=text):
            if not is_storable(text):
                return reasons.CHARACTERS_NOT_KEPT.write()
        case ListValue(items=items):
            return next((trouble for item in items if (trouble := _content_trouble(item))), NOTHING)
    return NOTHING


def _order_trouble(order: OrderValue) -> MessageText:
    texts = (order.customer, order.email, *(line.sku for line in order.lines))
    fits = all(len(text) <= _LONGEST and is_storable(text) for text in texts)
    return NOTHING if fits else reasons.TEXTS_NOT_KEPT.write()


def is_admissible_key(record_key: str) -> bool:
    """Whether the key can be stored. U+FFFD marks lost characters, so that two keys may have become one."""
    return 0 < len(record_key) <= _LONGEST and is_storable(record_key) and REPLACEMENT not in record_key
