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

from foundation.idempotency.response_store import KEEP, LONGEST

KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotent-Replayed"
_HOURS: Final = int(KEEP.total_seconds() // 3600)

IDEMPOTENCY: Final = (
    f"Every act takes the header `{KEY_HEADER}`: up to {LONGEST} visible ASCII characters, such as a new UUID for each "
    "act. Send a request again with its key when no answer came: the act is done once, and its first answer, a refusal "
    f"included, is given again with `{REPLAYED_HEADER}: true`, for at least {_HOURS} hours. A key that came with "
    "another request answers 422; one whose first request is under way, 409. Nothing is kept of a request that was "
    "malformed, not admitted, or failed here (5xx): send it again with the same key."
)


@dataclass
class ActOperation(Operation):
    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.STRING, min_length=1, max_length=LONGEST)
        header = Parameter(
            name=KEY_HEADER, param_in="header", required=False, schema=schema,
            description="Makes the act safe to send again: one key, one effect, one answer.",
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
