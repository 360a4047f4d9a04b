"""Parsers of response header values. Malformed, absurd or out-of-range values count as absent; nothing here raises."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_WAIT_SECONDS: Final = 3600.0
"""Upper limit of a delay requested by another system's headers."""
_LONGEST_DATE: Final = 64
_MOST_DIGITS: Final = 20
_NUMBER: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_REPEATED: Final = re.compile(r"[0-9]{1,20}([ \t]*,[ \t]*[0-9]{1,20})+")


def parse_retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, from a Retry-After of either form (RFC 9110 §10.2.3), capped; None when there is none.

    A date is compared with the response's own Date header, so that neither side's clock has to be right; without one,
    with `now`.
    """
    text = headers.get("retry-after", "").strip()
    seconds = _delta_seconds(text)
    if seconds is None:
        until, sent = parse_http_date(text), parse_http_date(headers.get("date", "")) or now
        if until is None or sent is None:
            return None
        seconds = (until - sent).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def parse_number(text: str) -> float | None:
    """A decimal number of ASCII digits, without a sign."""
    return float(text) if _NUMBER.fullmatch(text) else None


def parse_whole_number(text: str) -> int | None:
    """An integer of ASCII digits, few enough for a cheap conversion; None for any other text."""
    digits = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if digits else None


def parse_http_date(text: str) -> datetime | None:
    """A date in one of the three forms of RFC 9110 §5.6.7, in UTC. A date without a zone is UTC, as HTTP's
    dates are.
    """
    text = text.strip()
    if not text or not text.isascii() or len(text) > _LONGEST_DATE:
        return None
    try:
        parsed = parsedate_to_datetime(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _delta_seconds(text: str) -> float | None:
    """Seconds from a delta. A proxy may repeat the header: then the longest wait counts."""
    if _REPEATED.fullmatch(text):
        return max(float(part) for part in text.split(","))
    return parse_number(text)
