"""Page for an address with an invalid parameter: the page without that parameter, with the reason above it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from litestar import Request, Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from foundation.errors import DomainError, InvalidInput

AnyRequest = Request[Any, Any, Any]
NOTICES: Final = "notices"
"""Key of the request's state: the refusals that the page shows."""
_SERVER_KEYS: Final = (
    "type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "root_path", "client", "server",
    "extensions",
)  # fmt: skip
_STATE_KEYS: Final = ("public_port", "brand_and_caller")


class FallbackPage(Response[None]):
    """Handles the request again, without the refused parameter. A response of status 200 gets the refusal's status."""

    def __init__(self, scope: Scope, refusal: InvalidInput, query: bytes) -> None:
        super().__init__(None, status_code=int(refusal.status))
        given: Mapping[str, Any] = scope
        state = given["state"]
        self._refused = int(refusal.status)
        self._app: ASGIApp = given["litestar_app"]
        self._scope: Any = {
            **{key: given[key] for key in _SERVER_KEYS if key in given},
            "query_string": query,
            # The response is compressed by the first request's middleware, through which it is sent.
            "headers": [pair for pair in given["headers"] if pair[0] != b"accept-encoding"],
            "state": {
                **{key: state[key] for key in _STATE_KEYS if key in state},
                NOTICES: (*state.get(NOTICES, ()), refusal),
            },
        }

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        return self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - it was used up
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
                message["status"] = self._refused
            await send(message)

        await self._app(self._scope, receive, sending)


def find_default_view(request: AnyRequest, error: DomainError) -> FallbackPage | None:
    """The default view, if the error is about a query parameter of a page."""
    scope: Mapping[str, Any] = request.scope
    name = error.extra.get("field")
    if not isinstance(error, InvalidInput) or not name or scope["method"] not in {"GET", "HEAD"}:
        return None
    if "." in scope["path"].rpartition("/")[2]:  # a file: unfiltered, it would be mistaken for the requested one
        return None
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = [(key, value) for key, value in pairs if key != name]
    return FallbackPage(request.scope, error, urlencode(kept).encode()) if len(kept) < len(pairs) else None
