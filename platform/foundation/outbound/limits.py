"""What an answer's headers ask of us: when to call again."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
_ASKS_TO_WAIT = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_PAUSE_AFTER_429 = 1.0
_EPOCH_FROM = 1e9  # smaller numbers are seconds from now
_EPOCH_MS_FROM = 1e12
_NUMBER = re.compile(r"\d+(\.\d+)?")


def asked_pause(status: int, headers: Mapping[str, str], now: datetime) -> float:
    """Seconds for which no further request should be sent; 0 for none. `headers` answers lower-case names.

    A used-up allowance counts also when this answer itself was a success.
    """
    if status in _ASKS_TO_WAIT:
        pause = _retry_after(headers, now)
        if pause is None:
            pause = _reset(headers, now)
        if pause is None:
            pause = _PAUSE_AFTER_429 if status == HTTPStatus.TOO_MANY_REQUESTS else 0.0
        return pause
    for prefix in _PREFIXES:
        if headers.get(f"{prefix}remaining", "").strip() == "0":
            return _reset(headers, now) or 0.0
    return 0.0


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if (seconds := _number(text)) is not None:
        return seconds
    until = _date(text)
    return None if until is None else max((until - _sent(headers, now)).total_seconds(), 0.0)


def _reset(headers: Mapping[str, str], now: datetime) -> float | None:
    for prefix in _PREFIXES:
        value = _number(headers.get(f"{prefix}reset", "").strip())
        if value is None:
            continue
        if value >= _EPOCH_FROM:
            at = value / 1000 if value >= _EPOCH_MS_FROM else value
            return max(at - _sent(headers, now).timestamp(), 0.0)
        return value
    return None


def _sent(headers: Mapping[str, str], now: datetime) -> datetime:
    """By the sender's own clock where it says so, so that neither side's clock has to be right."""
    return _date(headers.get("date", "")) or now


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
