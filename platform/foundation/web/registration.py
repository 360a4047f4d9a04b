"""Registration of routes in linear time. With Litestar's own, half of an application's construction is spent on it.

Litestar builds the map of all registered routes again for each further one, and copies a router, with its hundreds of
handlers, when it is registered on the application.
"""

from typing import Any, Self

from litestar import Litestar, Router
from litestar.routes import HTTPRoute, WebSocketRoute
from litestar.types.internal_types import RouteHandlerMapItem


class _MappedOnce:
    """Keeps the map of the registered routes, and adds those registered since."""

    routes: list[Any]
    _mapped: list[Any]
    _map: dict[str, RouteHandlerMapItem]

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        if not hasattr(self, "_mapped"):
            self._mapped, self._map = [], {}
        if self._mapped != self.routes:
            for place, route in enumerate(self.routes):
                # A route is replaced when its path is registered again, with another method.
                if place >= len(self._mapped) or self._mapped[place] is not route:
                    self._map.setdefault(route.path, {}).update(_handlers_by_method(route))
            self._mapped = list(self.routes)
        return self._map


def _handlers_by_method(route: Any) -> RouteHandlerMapItem:
    if isinstance(route, HTTPRoute):
        return {method: handler for handler in route.route_handlers for method in handler.http_methods}
    return {"websocket" if isinstance(route, WebSocketRoute) else "asgi": route.route_handler}


class Application(_MappedOnce, Litestar):
    """Litestar's application."""


class RouterOfOne(_MappedOnce, Router):
    """A router for one application, which registers it without a copy."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
