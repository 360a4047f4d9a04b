"""Pauses that a response's headers request."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from foundation.outbound.headers import LONGEST_WAIT_SECONDS, parse_http_date, parse_number, parse_retry_after

_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
_RETRY_LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_PAUSE_AFTER_429 = 1.0
_EPOCH_FROM = 1e9  # smaller numbers are seconds from now
_EPOCH_MS_FROM = 1e12


def requested_pause(status: int, headers: Mapping[str, str], now: datetime) -> float:
    """Seconds for which no further request should be sent; 0 for none. `headers` has lower-case names.

    A used-up allowance counts also when this response itself was a success.
    """
    if status in _RETRY_LATER:
        pause = parse_retry_after(headers, now)
        if pause is None:
            pause = _reset(headers, now)
        if pause is None:
            pause = _PAUSE_AFTER_429 if status == HTTPStatus.TOO_MANY_REQUESTS else 0.0
        return pause
    for prefix in _PREFIXES:
        if headers.get(f"{prefix}remaining", "").strip() == "0":
            return _reset(headers, now) or 0.0
    return 0.0


def _reset(headers: Mapping[str, str], now: datetime) -> float | None:
    for prefix in _PREFIXES:
        value = parse_number(headers.get(f"{prefix}reset", "").strip())
        if value is None:
            continue
        if value >= _EPOCH_FROM:
            at = value / 1000 if value >= _EPOCH_MS_FROM else value
            value = max(at - _sent(headers, now).timestamp(), 0.0)
        return min(value, LONGEST_WAIT_SECONDS)
    return None


def _sent(headers: Mapping[str, str], now: datetime) -> datetime:
    """The sender's Date header if there is one, so that neither side's clock has to be right; else `now`."""
    return parse_http_date(headers.get("date", "")) or now
