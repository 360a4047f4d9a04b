"""RFC 9457 problem details for every refusal."""

from typing import Any, Final

import msgspec

from foundation.errors import DomainError

PROBLEM_TYPE: Final = "application/problem+json"
_JSON_SAFE = (str, int, bool, type(None))


def problem(error: DomainError, correlation: str) -> dict[str, Any]:
    """Fields of a problem. `type` is relative, so it has no product name; `correlation` is the id that users quote to
    support.
    """
    extra = {key: value if isinstance(value, _JSON_SAFE) else str(value) for key, value in error.extra.items()}
    return extra | {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": int(error.status),
        "detail": error.detail,
        "correlation": correlation,
    }


def problem_body(error: DomainError, correlation: str) -> bytes:
    return msgspec.json.encode(problem(error, correlation))
