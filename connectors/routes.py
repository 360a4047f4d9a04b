"""`POST /hooks/{connection}`: webhook endpoint. A raw ASGI handler for speed: no per-request injection, no session, no
ORM.
"""

from typing import Any

import msgspec
from litestar.handlers import asgi
from litestar.types import Receive, Scope, Send

from connectors.webhooks.receive import MAX_BODY, HookReceiver
from connectors.webhooks.writer import Stored
from foundation.clock import Clock
from foundation.errors import DomainError, NotFound
from foundation.marks import N_
from foundation.telemetry.correlation import current_correlation
from foundation.web.errors import BodyTooLarge, MethodNotAllowed, RequestIncomplete
from foundation.web.problems import problem_body

HOOKS = "/hooks"
_WITHIN = {"", HOOKS}
"""Path prefixes before the address: the full one, or the rest after a framework's mount."""
_ACCEPTED = {stored: msgspec.json.encode({"status": stored.value}) for stored in Stored}
_JSON = [(b"content-type", b"application/json")]
_ALLOW = (b"allow", b"POST")
_PROBLEM = [(b"content-type", b"application/problem+json")]


def hooks_handler(receiver: HookReceiver, clock: Clock) -> "asgi":
    """The handler mounted at /hooks."""

    @asgi(HOOKS, is_mount=True, copy_scope=True, opt={"public": True})
    async def receive_hook(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            within, _, address = scope["path"].rstrip("/").rpartition("/")
            if within not in _WITHIN:
                raise NotFound(N_("No connection has this address."))
            if scope.get("method") != "POST":
                raise MethodNotAllowed(N_("Send webhooks with POST."))
            body = await _read(receive)
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            stored = await receiver.receive(address, headers, body, now=clock(), correlation=current_correlation())
        except DomainError as error:
            problem = [*_PROBLEM, _ALLOW] if isinstance(error, MethodNotAllowed) else _PROBLEM
            await _answer(send, error.status, problem, problem_body(error, current_correlation()))
            return
        await _answer(send, 202, _JSON, _ACCEPTED[stored])

    return receive_hook


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise RequestIncomplete
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise BodyTooLarge(
                N_("A webhook may have at most {most} bytes. Send it in parts."), params={"most": MAX_BODY}
            )
        if not message.get("more_body"):
            return chunk if not chunks else b"".join([*chunks, chunk])
        chunks.append(chunk)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
