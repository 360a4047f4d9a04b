"""`Allow` of an answer to OPTIONS: all methods of the address.

The framework makes one route per handler with several paths, and its own answer names the methods of the first only.
"""

from typing import Any

from litestar import Litestar
from litestar.types import Message, Scope


async def complete_allow(message: Message, scope: Scope) -> None:
    """A `before_send` hook."""
    if scope.get("method") != "OPTIONS" or message["type"] != "http.response.start":
        return
    methods = _methods_of(scope["litestar_app"], scope.get("path_template", ""))
    if methods:
        headers: Any = [(name, value) for name, value in message["headers"] if name.lower() != b"allow"]
        message["headers"] = [*headers, (b"allow", ", ".join(sorted(methods)).encode())]


def _methods_of(app: Litestar, template: str) -> set[str]:
    return {method for route in app.routes if route.path_format == template for method in getattr(route, "methods", ())}
