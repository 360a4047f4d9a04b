"""`Allow` of an answer to OPTIONS: all methods of the address.

The framework makes one route per handler with several paths, and its own answer names the methods of the first only.
"""

from typing import cast

from litestar import Litestar

from foundation.telemetry.asgi import AsgiApp, Message, Receive, Scope, Send


def complete_allow(app: Litestar) -> AsgiApp:
    """The same application; other methods than OPTIONS pass it by."""
    inner = cast("AsgiApp", app)

    async def completed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "OPTIONS":
            await inner(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            methods = _methods_of(app, scope.get("path_template", ""))
            if methods and message["type"] == "http.response.start":
                headers = [(name, value) for name, value in message["headers"] if name.lower() != b"allow"]
                message["headers"] = [*headers, (b"allow", ", ".join(sorted(methods)).encode())]
            await send(message)

        await inner(scope, receive, sending)

    return completed


def _methods_of(app: Litestar, template: str) -> set[str]:
    return {method for route in app.routes if route.path_format == template for method in getattr(route, "methods", ())}
