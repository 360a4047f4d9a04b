"""Redaction of log lines: by the name of a field, and by the patterns of secrets in texts."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
_DEEPEST = 6
_NAMES = (
    r"passwords?|passwd|passphrase|pwd|secrets?|tokens?|authorization|cookies?|credentials?|csrf|otp"
    r"|signature|bearer|dsn|conninfo|kek|dek"
)
_KEY_NAMES = r"(?:api|secret|private|access|vault|signing|encryption|client)[_.\- ]?keys?"
_NAME = re.compile(rf"(?:^|[_.\- ])(?:{_NAMES})(?:$|[_.\- ])|{_KEY_NAMES}(?:$|[_.\- ])", re.IGNORECASE)
_HARMLESS = re.compile(r"(?:_ids?|_counts?|_used|_name|_type|_kind)$", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*:[^/?#\s@]*(?=@)")
# `password=…`, `"accessToken": "…"`, `?token=…&`: in URLs, settings and bodies that an exception's text repeats.
_ASSIGNED = re.compile(
    rf"""((?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:{_NAMES}|{_KEY_NAMES})['"]?\s?[=:]\s?['"]?)"""
    r"""((?i:bearer|basic)\s+)?[^\s'"&;,<>()\[\]{}]+"""
)
# Our own secrets: an API key, a webhook's secret, an invitation's link.
_OURS = re.compile(r"(\bkey_|\bwhsec_|/welcome/)[A-Za-z0-9+/=_-]{24,}")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def names_a_secret(name: str) -> bool:
    plain = _CAMEL.sub("_", name)
    return _NAME.search(plain) is not None and _HARMLESS.search(plain) is None


def redact(value: Any, depth: int = 0) -> Any:
    """A copy without secrets; values nested deeper than a log line should be are dropped."""
    if isinstance(value, str):
        return _without_secrets(value)
    if depth >= _DEEPEST and isinstance(value, Mapping | list | tuple | set | frozenset):
        return REDACTED
    if isinstance(value, Mapping):
        return {
            name: REDACTED if names_a_secret(str(name)) and item else redact(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return value


def _without_secrets(text: str) -> str:
    text = _BEARER.sub(rf"\1 {REDACTED}", _USERINFO.sub(REDACTED, text))
    return _OURS.sub(rf"\1{REDACTED}", _ASSIGNED.sub(rf"\1{REDACTED}", text))
