"""Keeping secrets out of log lines: by the name of a field, and by two forms that secrets take in texts."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
_DEEPEST = 6
_NAME = re.compile(
    r"(?:^|[_.\- ])(?:passwords?|passwd|passphrase|pwd|secrets?|tokens?|authorization|cookies?|credentials?|csrf|otp"
    r"|signature|bearer|dsn|conninfo|kek|dek)(?:$|[_.\- ])"
    r"|(?:api|secret|private|access|vault|signing|encryption|client)[_.\- ]?keys?(?:$|[_.\- ])",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"(?:_ids?|_counts?|_used|_name|_type|_kind)$", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*:[^/?#\s@]*(?=@)")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def names_a_secret(name: str) -> bool:
    plain = _CAMEL.sub("_", name)
    return _NAME.search(plain) is not None and _HARMLESS.search(plain) is None


def redact(value: Any, depth: int = 0) -> Any:
    """A copy without secrets; what is nested deeper than a log line should be is dropped."""
    if isinstance(value, str):
        return _BEARER.sub(rf"\1 {REDACTED}", _USERINFO.sub(REDACTED, value))
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
