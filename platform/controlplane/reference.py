"""API reference: an OpenAPI document that matches the actual responses, and a page of it under the host's brand.

The page is rendered here, without external scripts, so our content security policy allows it.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from litestar import Request, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.response import Template

from branding.pages import ShownBrand
from branding.shell import Page
from foundation.clock import Clock
from foundation.web.api import IDEMPOTENCY
from foundation.web.problems import PROBLEM_TYPE

PATH: Final = "/api/v1/schema"
_LONGEST_PAGE: Final = 500
_TEXT_PATTERNS: Final = {"path": r"^[^\x00-\x1f\x7f/]+$", "query": r"^[^\x00]*$"}
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_SUCCESSES: Final = {
    "200": "Done.",
    "201": "Created.",
    "202": "Accepted; the work continues in the background.",
    "204": "Done; there is no body.",
}
_REFUSALS: Final = {
    "400": "The address, a header or the body is malformed.",
    "401": "There is no valid API key or session.",
    "403": "The role does not allow it, the account is suspended, or the form is out of date.",
    "404": "This account has nothing at this address.",
    "422": "A value is invalid.",
    "429": "Too many requests; see Retry-After.",
    "503": "A service that this one needs does not respond. Send the request again.",
}
_BODY_REFUSALS: Final = {
    "409": "The first request with this Idempotency-Key is still in progress, or the state has changed.",
    "413": "The body is too large.",
    "415": "The body is not JSON in UTF-8, or it is compressed.",
}
_RATE_HEADERS: Final = {
    "RateLimit-Policy": "Requests per minute of the caller and of its account.",
    "RateLimit": "Of each, the requests left, and the seconds until the whole limit is available again.",
}
_DEPRECATION_HEADERS: Final = {
    "Deprecation": "Since when the operation is deprecated (RFC 9745).",
    "Sunset": "When it may be removed (RFC 8594).",
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string", "description": "Identifies the kind of problem; stable."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what to do."},
        "correlation": {"type": "string", "description": "Quote this ID to support."},
        "field": {"type": "string", "description": "Name of the invalid value."},
        "allowed": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Allowed values; for an unknown parameter, the known parameters.",
        },
    },
    "required": ["type", "title", "status", "detail", "correlation"],
}
_SCHEMES: Final[dict[str, Any]] = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key of the account."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-session",
        "description": "Session of a signed-in member; requests that change something also need X-CSRF-Token.",
    },
}


def _operation_id(handler: HTTPRouteHandler, _method: Any, components: Sequence[Any]) -> str:
    """The handler's name. A handler that serves the MSP account and a client has `_of_client` on the client's path."""
    of_client = any(getattr(part, "name", "") == "client" for part in components)
    return f"{handler.handler_name}_of_client" if of_client and len(handler.paths) > 1 else str(handler.handler_name)


def openapi_config(clock: Clock) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="API",
        version="1",
        path=PATH,
        description=IDEMPOTENCY,
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        openapi_router=_SchemaRouter(PATH, route_handlers=[], include_in_schema=False, opt={"public": True}),
        render_plugins=[_Description(clock)],
    )


class _SchemaRouter(Router):
    def register(self, value: Any) -> Any:
        """Registers only our routes, not the framework's page for unknown addresses: ours is shown there, too."""
        handler_name = getattr(getattr(value, "fn", None), "__name__", "")
        return [] if handler_name == "handle_schema_path_not_found" else super().register(value)


class _Description(OpenAPIRenderPlugin):
    def __init__(self, clock: Clock) -> None:
        super().__init__(path="/openapi.json", media_type="application/json")  # type: ignore[arg-type]
        self._clock = clock
        self._document: bytes | None = None

    def has_path(self, path: str) -> bool:
        """The root page is registered in `receive_router`: it needs the brand."""
        return path == "/" or path in self.paths

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        if self._document is None:
            self._document = msgspec.json.encode(complete_document(openapi_schema))
        return self._document

    def receive_router(self, router: Router) -> None:
        router.register(_page(self._clock))


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """Add facts that the framework does not have: permissions, all errors as problem details, and limits checked in
    handlers.
    """
    components = dict(document["components"])
    components["schemas"] = components["schemas"] | {"Problem": _PROBLEM}
    components["securitySchemes"] = _SCHEMES
    paths = {
        path: {method: _complete(method, operation) for method, operation in item.items()}
        for path, item in document["paths"].items()
    }
    security: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]
    return document | {"paths": paths, "components": components, "security": security}


def _complete(method: str, operation: dict[str, Any]) -> dict[str, Any]:
    refusals = _REFUSALS if method == "get" else _REFUSALS | _BODY_REFUSALS
    responses = {
        status: answer | {"description": _SUCCESSES.get(status, answer["description"])}
        for status, answer in operation["responses"].items()
        if int(status) < 400
    }
    is_deprecated = bool(operation.get("deprecated"))
    responses = {status: _with_headers(each, is_deprecated=is_deprecated) for status, each in responses.items()}
    responses |= {status: _problem(sentence) for status, sentence in sorted(refusals.items())}
    parameters = [_bounded(parameter) for parameter in operation.get("parameters", ())]
    summary = _summary(operation["operationId"])
    return operation | {"summary": summary, "responses": responses, "parameters": parameters}


def _with_headers(answer: dict[str, Any], *, is_deprecated: bool) -> dict[str, Any]:
    named = _RATE_HEADERS | (_DEPRECATION_HEADERS if is_deprecated else {})
    added = {name: {"description": about, "schema": {"type": "string"}} for name, about in named.items()}
    return answer | {"headers": {**answer.get("headers", {}), **added}}


def _summary(operation_id: str) -> str:
    """Title of an operation in words, such as “List API keys”."""
    words = operation_id.removesuffix("_of_client").replace("_", " ")
    return re.sub(r"\b[Aa]pi\b", "API", words[:1].upper() + words[1:])


def _problem(sentence: str) -> dict[str, Any]:
    return {"description": sentence, "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _bounded(parameter: dict[str, Any]) -> dict[str, Any]:
    if parameter["in"] == "query" and parameter["name"] == "limit":
        return parameter | {"schema": parameter["schema"] | {"minimum": 1, "maximum": _LONGEST_PAGE}}
    if parameter["in"] in _TEXT_PATTERNS and parameter["schema"] in (
        {"type": "string"},
        {"type": "string", "default": ""},
    ):
        return parameter | {"schema": parameter["schema"] | {"pattern": _TEXT_PATTERNS[parameter["in"]]}}
    if parameter["in"] == "header" and parameter["name"] == "Idempotency-Key":
        return parameter | {"schema": parameter["schema"] | {"pattern": "^[!-~]+$"}}
    return parameter


def _page(clock: Clock) -> HTTPRouteHandler:
    @get("/", name="api_reference", opt={"public": True}, include_in_schema=False)
    async def api_reference(request: Request[Any, Any, Any], brand: ShownBrand) -> Template:
        document = complete_document(request.app.openapi_schema.to_schema())
        page = Page(brand=brand, title="API reference", now=clock())
        context = {
            "page": page,
            "description": IDEMPOTENCY.replace("`", ""),
            "groups": list_operations(document),
            "document_href": f"{PATH}/openapi.json",
        }
        return Template("controlplane/api_reference.html", context=context)

    return api_reference


class OperationView(msgspec.Struct, frozen=True):
    method: str
    path: str
    text: str
    parameters: list[tuple[str, str, str]]
    body: list[tuple[str, str, str]]
    answers: list[tuple[str, str, str]]


def list_operations(document: dict[str, Any]) -> list[tuple[str, list[OperationView]]]:
    """Operations by tag, in the document's order."""
    groups: dict[str, list[OperationView]] = {}
    for path, item in document["paths"].items():
        for method in (method for method in _METHODS if method in item):
            operation = item[method]
            tag = next(iter(operation.get("tags", ())), "other")
            groups.setdefault(tag[:1].upper() + tag[1:], []).append(_shown(document, method, path, operation))
    return list(groups.items())


def _shown(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> OperationView:
    body = _content(operation.get("requestBody", {}))
    answers = [
        (status, answer["description"], _name_of(_content(answer))) for status, answer in operation["responses"].items()
    ]
    parameters = [
        (each["name"], each["in"], _name_of(each.get("schema", {})) + ("" if each.get("required") else ", optional"))
        for each in operation["parameters"]
    ]
    text = operation.get("description") or operation.get("summary", "")
    return OperationView(method.upper(), path, text, parameters, _fields(document, body), answers)


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    """Schema of a body or a response, which has one media type at most."""
    for content in holder.get("content", {}).values():
        return dict(content.get("schema", {}))
    return {}


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[tuple[str, str, str]]:
    reference = schema.get("$ref", "").rpartition("/")[2]
    shape = document["components"]["schemas"].get(reference, schema)
    required = set(shape.get("required", ()))
    return [
        (name, _name_of(each), "required" if name in required else "optional")
        for name, each in shape.get("properties", {}).items()
    ]


def _name_of(schema: dict[str, Any]) -> str:
    """Name of a schema, or its types."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "oneOf" in schema or "anyOf" in schema:
        return " or ".join(_name_of(each) for each in schema.get("oneOf", schema.get("anyOf", ())))
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {_name_of(schema.get('items', {}))}"
    kinds: Sequence[str] = kind if isinstance(kind, list) else [str(kind)]
    return " or ".join(kinds) + (f" ({schema['format']})" if "format" in schema else "")
