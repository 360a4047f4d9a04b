"""Validation of observations and readings. An invalid one is quarantined with its message, never with its batch."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from canonical.elements import COST, PRICE, STOCK
from canonical.messages import Observation
from canonical.money import UnknownCurrency, minor_exponent
from canonical.values import Value
from connectors.ports import ChannelReading, PayloadInvalid
from foundation.text import REPLACEMENT, clean_error_text, is_storable

_LARGEST: Final = 2**63 - 1
_LARGEST_VERSION: Final = 2**62
_LONGEST: Final = 200
_QUOTED: Final = 80
_WRITTEN: Final = 10**60
DRIFT: Final = timedelta(minutes=5)
"""Largest clock difference between our own processes."""
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
    if trouble := _trouble(seen.element, seen.value):
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
    if value is None or not (trouble := _trouble(reading.element, value)):
        return reading
    return msgspec.structs.replace(reading, value=None, unreadable=f"{quote_value(value)} ({trouble})")


def quote_value(value: Value) -> str:
    """The value as sent by the other system, of any size; Python refuses to write a number of thousands of digits."""
    amount = str(value.amount) if abs(value.amount) < _WRITTEN else "a number of more than 60 digits"
    return clean_error_text(f"{amount} {value.currency}".strip(), longest=_QUOTED)


def _trouble(element: str, value: Value) -> str:
    if not -_LARGEST <= value.amount <= _LARGEST:
        return "a number that is too large to be kept"
    if not value.currency:
        return "a price without a currency" if element in {PRICE, COST} else ""
    if element == STOCK:
        return "pieces with a currency"
    try:
        minor_exponent(value.currency)
    except UnknownCurrency as problem:
        return str(problem)
    return ""


def is_admissible_key(record_key: str) -> bool:
    """Whether the key can be stored. U+FFFD marks lost characters, so that two keys may have become one."""
    return 0 < len(record_key) <= _LONGEST and is_storable(record_key) and REPLACEMENT not in record_key
