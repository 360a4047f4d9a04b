"""Route decorators of the API: `post`, `put`, `patch` and `delete` of routes that change something.

The response is complete before the request's transaction ends, so that it can be stored in it: see
`foundation.idempotency`.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from litestar import Litestar, Request
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIResponse, Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.types import ASGIApp

from foundation.idempotency.response_store import LONGEST, RETENTION

KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotent-Replayed"
_HOURS: Final = int(RETENTION.total_seconds() // 3600)

IDEMPOTENCY: Final = (
    f"Every request that changes something accepts the header `{KEY_HEADER}`: up to {LONGEST} visible ASCII "
    "characters, such as a new UUID for each request. If no response arrives, send the request again with the same "
    "key: the action runs once, and its first response, even a refusal, is returned again with "
    f"`{REPLAYED_HEADER}: true` for at least {_HOURS} hours. A key that was used with another request answers 422, "
    "and one whose first request is still in progress 409. A request that was malformed, not authorized, or failed "
    "with 5xx is not remembered: send it again with the same key."
)


@dataclass
class ActOperation(Operation):
    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, min_length=1, max_length=LONGEST)
        header = Parameter(
            name=KEY_HEADER, param_in="header", required=False, schema=schema,
            description="Makes the request safe to send again: the action runs once per key.",
        )  # fmt: skip
        self.parameters = [*(self.parameters or ()), header]
        refusals = {
            "409": OpenAPIResponse(description="This key's first request is under way, or the state has changed."),
            "422": OpenAPIResponse(description="The key came with another request, or the input is not valid."),
        }
        self.responses = {**refusals, **(self.responses or {})}


class ActHandler(HTTPRouteHandler):
    async def to_response(self, app: Litestar, data: Any, request: Request[Any, Any, Any]) -> ASGIApp:
        request.state.answer = answer = await super().to_response(app, data, request)
        return answer


post = partial(ActHandler, http_method=HttpMethod.POST, operation_class=ActOperation)
put = partial(ActHandler, http_method=HttpMethod.PUT, operation_class=ActOperation)
patch = partial(ActHandler, http_method=HttpMethod.PATCH, operation_class=ActOperation)
delete = partial(ActHandler, http_method=HttpMethod.DELETE, operation_class=ActOperation)
