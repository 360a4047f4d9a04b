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
from foundation.text import REPLACEMENT, clean_error_text, is_storable

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
        raise PayloadInvalid(f"A record's key has 1 to {_LONGEST} characters, none of them NUL or lost.")
    subject = f"{seen.element} of {seen.record_key}"
    if len(seen.source_id) > _LONGEST or not is_storable(seen.source_id):
        raise PayloadInvalid(f"{subject} came with an identity of the source that cannot be kept.")
    if trouble := find_trouble(seen.key, seen.value):
        raise PayloadInvalid(f"{subject} cannot be kept: {trouble.rstrip('.')}.")
    if not 0 <= seen.source_version <= _LARGEST:
        raise PayloadInvalid(f"{subject} came with a version that is too large to be kept.")
    if seen.committed_at.tzinfo is None or seen.committed_at < _EARLIEST:
        raise PayloadInvalid(f"{subject} came with a time of {seen.committed_at.isoformat()}, which cannot be.")
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
    return msgspec.structs.replace(reading, value=None, unreadable=f"{quote_value(value)} ({trouble})")


def quote_value(value: Value) -> str:
    """The value as sent by the other system, cut to a length for sentences."""
    return clean_error_text(write_plainly(value), longest=_QUOTED)


def find_trouble(key: ElementKey, value: Value, declared: ElementType | None = None) -> str:
    """Why the value cannot be one of this key; empty when it can. `declared`: the type of a custom element."""
    known = declared or element_type(key.element)
    if trouble := _key_trouble(key.element, key.record_type, None if known is None else known.record_type):
        return trouble
    try:
        parts = dict(parse_dimension(key.dimension)) if key.dimension else {}
    except InvalidDimension as problem:
        return str(problem)
    if known is not None and (trouble := _misfit(known, parts, value)):
        return trouble
    if isinstance(value, MoneyValue) and parts.get("currency", value.currency) != value.currency:
        return f"{value.currency} under the dimension of {parts['currency']}"
    return _content_trouble(value)


@lru_cache(1_000)
def _key_trouble(element: str, record_type: str, declared: str | None) -> str:
    if len(element) > _LONGEST or not _ELEMENT.fullmatch(element):
        return "the element has no admissible name"
    if not _RECORD_TYPE.fullmatch(record_type) or declared not in {None, record_type}:
        return f"records of type {record_type[:40]} do not have it"
    return ""


def _misfit(known: ElementType, parts: Mapping[str, str], value: Value) -> str:
    if others := [name for name in parts if name not in known.dimensions]:
        return f"it is not divided by {others[0]}"
    if (kind := type_of(value)) != known.value_type:
        return f"it is of type {known.value_type}, not {kind}"
    if isinstance(value, EnumerationValue) and known.codes and value.code not in known.codes:
        return f"{value.code} is none of its codes, {', '.join(known.codes)}"
    return ""


def _content_trouble(value: Value) -> str:
    match value:
        case MoneyValue(currency=currency) | OrderValue(currency=currency):
            try:
                minor_exponent(currency)
            except UnknownCurrency as problem:
                return str(problem)
            if isinstance(value, OrderValue):
                return _order_trouble(value)
        case TextValue(text=text) | ReferenceValue(record_key=text):
            if not is_storable(text):
                return "it contains characters that cannot be stored"
        case ListValue(items=items):
            return next((trouble for item in items if (trouble := _content_trouble(item))), "")
    return ""


def _order_trouble(order: OrderValue) -> str:
    texts = (order.customer, order.email, *(line.sku for line in order.lines))
    fits = all(len(text) <= _LONGEST and is_storable(text) for text in texts)
    return "" if fits else "it contains texts that cannot be stored"


def is_admissible_key(record_key: str) -> bool:
    """Whether the key can be stored. U+FFFD marks lost characters, so that two keys may have become one."""
    return 0 < len(record_key) <= _LONGEST and is_storable(record_key) and REPLACEMENT not in record_key
