"""Registration of routes: the same as Litestar's own, and no copies."""

from typing import Any

from litestar import Litestar, Response, Router, WebSocket, asgi, get, post, websocket
from litestar.testing import TestClient
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


def test_options_of_all_paths_share_a_signature_and_answer_as_litestars_own() -> None:
    ours = Application([RouterOfOne("/in", route_handlers=HANDLERS)], openapi_config=None)
    plain = Litestar([Router("/in", route_handlers=HANDLERS)], openapi_config=None)
    mapped = ours.route_handler_method_map
    handlers = [mapped[path]["OPTIONS"] for path in ("/in/a", "/in/b", "/in/c")]
    assert len({id(handler) for handler in handlers}) == 3
    assert len({id(handler.signature_model) for handler in handlers}) == 1
    paths = ("/in/a", "/in/b", "/in/c", "/in/none")
    with TestClient(ours) as one, TestClient(plain) as other:
        answers = [[client.options(path) for path in paths] for client in (one, other)]
    assert [answer.status_code for answer in answers[0]] == [204, 204, 204, 404]
    for mine, theirs in zip(*answers, strict=True):
        assert (mine.status_code, mine.headers, mine.content) == (theirs.status_code, theirs.headers, theirs.content)


def test_two_applications_with_the_same_handlers_answer_with_their_own_hooks() -> None:
    async def mark(response: Response[Any]) -> Response[Any]:
        response.headers["x-hook"] = "own"
        return response

    plain = Litestar([Router("/in", route_handlers=HANDLERS)], openapi_config=None)
    hooked = Application([RouterOfOne("/in", route_handlers=HANDLERS)], openapi_config=None, after_request=mark)
    later = Application([RouterOfOne("/in", route_handlers=HANDLERS)], openapi_config=None)
    with TestClient(plain) as first, TestClient(hooked) as second, TestClient(later) as third:
        hooks = [client.get("/in/a").headers.get("x-hook") for client in (first, second, third)]
    assert hooks == [None, "own", None]
