"""RFC 9457 problem details for every refusal."""

from typing import Any, Final

import msgspec

from foundation.errors import DomainError

PROBLEM_TYPE: Final = "application/problem+json"
_JSON_SAFE = (str, int, bool, type(None))


def problem(error: DomainError, correlation: str) -> dict[str, Any]:
    """Fields of a problem. `type` is relative, so it has no product name; `correlation` is the id that users quote to
    support. `title` and `detail` are in the reader's language; `type` and `params` are the same in all.
    """
    return {name: _plain(value) for name, value in error.extra.items()} | {
        "type": f"/problems/{error.code}",
        "title": error.heading,
        "status": int(error.status),
        "detail": error.detail,
        "params": {name: _plain(value) for name, value in error.params.items()},
        "correlation": correlation,
    }


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if type(value) in _JSON_SAFE else str(value)  # a subclass, such as `Phrase`, is written as text


def problem_body(error: DomainError, correlation: str) -> bytes:
    return msgspec.json.encode(problem(error, correlation))
