"""Request dispatch between the boundary and the framework.

Webhooks go to their handler directly: the framework's routing would add a tenth to their cost without benefit. HEAD is
answered on all addresses of GET, and `Allow` lists all methods of an address: the framework makes one route per handler
with several paths, and its own answer lists the methods of the first only.
"""

from collections.abc import Awaitable
from typing import cast

from litestar import Litestar
from litestar.routes import ASGIRoute

from connectors.routes import HOOKS
from foundation.errors import NotFound
from foundation.telemetry.asgi import AsgiApp, Message, Receive, Scope, Send
from foundation.web.answer_headers import with_answer_headers


def dispatch_requests(app: Litestar) -> AsgiApp:
    """Wrap the application with this module's dispatch."""
    inner = cast("AsgiApp", app)
    receive_hook = _mounted_at(app, HOOKS)
    hooks, template = f"{HOOKS}/", f"{HOOKS}/*"

    def dispatch(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # saves a coroutine
        if scope["type"] != "http":
            return inner(scope, receive, send)
        path = scope["path"]
        if path.startswith(HOOKS):
            if path != HOOKS and not path.startswith(hooks):
                raise NotFound  # the framework would serve its mount there, too
            scope["path_template"] = template
            return receive_hook(scope, receive, send)
        send = with_answer_headers(scope, send)
        if scope["method"] == "HEAD":
            return _answer_head(inner, scope, receive, send)
        return inner(scope, receive, _with_all_methods(app, scope, send))

    return cast("AsgiApp", dispatch)


def _mounted_at(app: Litestar, path: str) -> AsgiApp:
    for route in app.routes:
        if isinstance(route, ASGIRoute) and path in route.route_handler.paths:
            return cast("AsgiApp", route.route_handler.fn)
    raise LookupError(f"nothing is mounted at {path}")


async def _answer_head(inner: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer HEAD with the headers of GET. Handlers see a GET; the server and the access log see HEAD."""
    ended = False

    async def sending(message: Message) -> None:
        nonlocal ended
        scope["method"] = "HEAD"
        if message["type"] == "http.response.start":
            await send(_completed(message, frozenset()))
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    scope["method"] = "GET"
    try:
        await inner(scope, receive, sending)
    finally:
        scope["method"] = "HEAD"


def _with_all_methods(app: Litestar, scope: Scope, send: Send) -> Send:
    def sending(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            found = _methods_of(app, scope.get("path_template", "")) if scope["method"] == "OPTIONS" else frozenset()
            message = _completed(message, found)
        return send(message)

    return cast("Send", sending)


def _completed(message: Message, methods: frozenset[str]) -> Message:
    """The response with `methods` in its `Allow` header, and HEAD beside GET."""
    if message["status"] != 405 and not methods:
        return message
    headers = []
    for name, value in message["headers"]:
        if name.lower() == b"allow":
            methods |= {method.strip() for method in value.decode("latin-1").split(",") if method.strip()}
        else:
            headers.append((name, value))
    if "GET" in methods:
        methods |= {"HEAD"}
    allow = [(b"allow", ", ".join(sorted(methods)).encode())] if methods else []
    message["headers"] = [*headers, *allow]
    return message


def _methods_of(app: Litestar, template: str) -> frozenset[str]:
    return frozenset(
        method for route in app.routes if route.path_format == template for method in getattr(route, "methods", ())
    )
