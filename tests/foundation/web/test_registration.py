"""Registration of routes: the same as Litestar's own, and no copies."""

from typing import Any

from litestar import Litestar, Router, WebSocket, asgi, get, post, websocket
from litestar.types import Receive, Scope, Send

from foundation.web.registration import Application, RouterOfOne


@get("/a")
async def read() -> str:
    return "read"


@post("/a")
async def write() -> str:
    return "written"


@get(["/b", "/c"])
async def both() -> str:
    return ""


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """Never called."""


@websocket("/live")
async def live(socket: WebSocket[Any, Any, Any]) -> None:
    """Never called."""


HANDLERS = [read, both, mounted, live, write]


def methods(app: Litestar) -> dict[str, list[tuple[str, str]]]:
    return {
        path: sorted((method, str(handler)) for method, handler in handlers.items())
        for path, handlers in app.route_handler_method_map.items()
    }


def test_routes_are_those_of_litestars_own_registration() -> None:
    ours = Application([read, RouterOfOne("/in", route_handlers=HANDLERS), write], openapi_config=None)
    plain = Litestar([read, Router("/in", route_handlers=HANDLERS), write], openapi_config=None)
    assert methods(ours) == methods(plain)
    assert [route.path for route in ours.routes] == [route.path for route in plain.routes]
    assert {method for method, _ in methods(ours)["/a"]} >= {"GET", "POST"}
    assert {method for method, _ in methods(ours)["/in/a"]} >= {"GET", "POST"}


def test_a_router_is_registered_without_a_copy_of_its_handlers() -> None:
    router = RouterOfOne("/in", route_handlers=HANDLERS)
    app = Application([router], openapi_config=None)
    mapped = app.route_handler_method_map
    for path, handlers in router.route_handler_method_map.items():
        for method, handler in handlers.items():
            assert mapped[path][method] is handler
