"""Minimal HTTP layer of the sandbox, directly on ASGI: it must be faster than the product it measures."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connectors.sandbox.faults import Faults, FaultSource, rename_fields

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TRANSPORT = "sandbox.transport"


class Request(msgspec.Struct, frozen=True):
    method: str
    path: str  # below the system's own prefix, with a leading slash
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    faults: Faults

    def bearer(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class System(Protocol):
    """One sandbox system."""

    kind: str
    faults: FaultSource

    async def answer(self, request: Request) -> Reply:
        """Data requests; faults apply."""

    async def control(self, request: Request) -> Reply:
        """Paths that begin with /_; faults never apply."""

    async def close(self) -> None: ...


def json_reply(value: object, status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode(value))


def problem(status: int, sentence: str) -> Reply:
    return json_reply({"error": sentence}, status)


def html_reply(page: str) -> Reply:
    return Reply(200, page.encode(), b"text/html; charset=utf-8")


async def read_request(scope: Scope, receive: Receive, path: str, faults: Faults) -> Request:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = [body]
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
        body = b"".join(parts)
    raw_query: bytes = scope["query_string"]
    query = parse_qs(raw_query.decode("latin-1")) if raw_query else {}
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], path, query, headers, body, faults)


async def send_reply(send: Send, reply: Reply, drip_seconds: float = 0.0) -> None:
    headers = [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body)), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if drip_seconds:
        for index in range(len(reply.body)):
            await asyncio.sleep(drip_seconds)
            await send({"type": "http.response.body", "body": reply.body[index : index + 1], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": reply.body})


async def serve_with_faults(system: System, scope: Scope, receive: Receive, send: Send, path: str) -> None:
    source = system.faults
    faults = source.next_request()
    if source.strikes(faults.outage):
        await reset_connection(scope, receive)
        return
    request = await read_request(scope, receive, path, faults)
    if source.strikes(faults.held):
        await source.mended()
    if delay := source.delay(faults):
        await asyncio.sleep(delay)
    if source.strikes(faults.too_many_requests):
        headers = ((b"retry-after", faults.retry_after.encode()),) if faults.retry_after else ()
        await send_reply(send, Reply(429, b'{"error":"too many requests"}', headers=headers))
        return
    if source.strikes(faults.server_error):
        await send_reply(send, problem(500, "internal error"))
        return
    reply = await system.answer(request)
    if source.strikes(faults.lost_answer):
        await asyncio.sleep(faults.hang_seconds)
        await reset_connection(scope, receive)
        return
    if faults.renamed_fields and reply.content_type == b"application/json":
        reply = msgspec.structs.replace(reply, body=rename_fields(reply.body, faults.renamed_fields))
    await send_reply(send, reply, faults.drip_seconds)


async def reset_connection(scope: Scope, receive: Receive) -> None:
    """Disconnect the caller with a TCP reset, without a response."""
    transport: asyncio.Transport | None = scope.get("state", {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError("the sandbox system is out of service")
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    while (await receive())["type"] != "http.disconnect":  # or uvicorn would try to answer 500
        continue


class ResettableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with its transport exposed to the faults."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][TRANSPORT] = self.transport
