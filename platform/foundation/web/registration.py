"""Registration of routes in linear time. Litestar's own takes half of an application's construction.

Litestar builds the map of all registered routes again for each further one, copies a router, with its hundreds of
handlers, when it is registered on the application, and parses the signature of each path's handler of OPTIONS, which
are all the same.

Its copies of one handler share what it resolves at the first response, such as the application's hook that hides
values: a second application in the process would answer with the hooks of the first. Here each router resolves its own.
"""

from collections.abc import Sequence
from typing import Any, Final, Self

from litestar import Litestar, Router
from litestar._signature import SignatureModel
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute, WebSocketRoute
from litestar.types import Empty
from litestar.types.internal_types import RouteHandlerMapItem
from litestar.utils.signature import ParsedSignature

_OPTIONS: Final = HTTPRoute.create_options_handler.__qualname__ + ".<locals>"


class _MappedOnce:
    """Cache of the map of registered routes, to which routes registered since are added."""

    routes: list[Any]
    _mapped: list[Any]
    _map: dict[str, RouteHandlerMapItem]

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        if not hasattr(self, "_mapped"):
            self._mapped, self._map = [], {}
        if self._mapped != self.routes:
            # A route is replaced when its path is registered again, with another method.
            pairs = zip(self.routes, self._mapped, strict=False)
            replaced = [route for route, mapped in pairs if route is not mapped]
            for route in (*replaced, *self.routes[len(self._mapped) :]):
                self._map.setdefault(route.path, {}).update(_handlers_by_method(route))
            self._mapped = list(self.routes)
        return self._map


def _handlers_by_method(route: Any) -> RouteHandlerMapItem:
    if isinstance(route, HTTPRoute):
        return {method: handler for handler in route.route_handlers for method in handler.http_methods}
    return {"websocket" if isinstance(route, WebSocketRoute) else "asgi": route.route_handler}


class Application(_MappedOnce, Litestar):
    """Litestar's application with a cached map of routes."""


class RouterOfOne(_MappedOnce, Router):
    """A router for one application, which registers it without a copy."""

    def register(self, value: Any) -> list[BaseRoute]:
        routes = super().register(value)
        _share_signature(routes)
        _resolve_anew(routes)
        return routes

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _share_signature(routes: Sequence[BaseRoute]) -> None:
    """Give the routes' handlers of OPTIONS one signature and its model: Litestar parses each anew."""
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if handler.fn.__qualname__.startswith(_OPTIONS):
                signature, model = _of_options(handler)
                handler._parsed_fn_signature, handler._signature_model = signature, model  # noqa: SLF001 - kept there


def _resolve_anew(routes: Sequence[BaseRoute]) -> None:
    """Let the routes' handlers resolve their responses by the hooks of this router's application."""
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            mapping = {"default_handler": Empty, "response_type_handler": Empty}
            handler._response_handler_mapping = mapping  # type: ignore[assignment]  # noqa: SLF001 - kept there


def _of_options(handler: HTTPRouteHandler) -> tuple[ParsedSignature, type[SignatureModel]]:
    if not _SHARED:
        _SHARED.append((handler.parsed_fn_signature, handler.signature_model))
    return _SHARED[0]


_SHARED: Final[list[tuple[ParsedSignature, type[SignatureModel]]]] = []
