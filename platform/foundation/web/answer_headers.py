"""Headers that the API adds to each response: remaining requests of the rate limits, and deprecation."""

from typing import Any, Final, cast

from foundation.telemetry.asgi import Message, Scope, Send
from foundation.web.deprecation import DEPRECATION, Deprecation
from foundation.web.rate_limit import RateState

RATE: Final = "rate_state"
"""Key of the request's state that holds its `RateState`."""
_API: Final = "/api/"


def with_answer_headers(scope: Scope, send: Send) -> Send:
    if not scope["path"].startswith(_API):
        return send

    def sending(message: Message) -> Any:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_headers(scope)]
        return send(message)

    return cast("Send", sending)


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    rate = scope.get("state", {}).get(RATE)
    handler = scope.get("route_handler")
    deprecation = handler.opt.get(DEPRECATION) if handler is not None else None
    found = rate.headers if isinstance(rate, RateState) else []
    return [*found, *(deprecation.headers if isinstance(deprecation, Deprecation) else [])]
