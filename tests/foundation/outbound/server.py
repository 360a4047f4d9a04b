"""Remote systems for tests: a scripted HTTP server on a real socket, and a name service."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """`parts` are sent one by one; `raw` replaces everything, status line included."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    raw: Sequence[bytes] | None = None
    until: asyncio.Event | None = None
    """Wait for this before answering."""
    drip: bool = False
    """Send the body byte by byte, for ever."""

    def bytes(self) -> Sequence[bytes]:
        if self.raw is not None:
            return self.raw
        headers = {"content-length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return ["\r\n".join(lines).encode(), self.body]


Handler = Callable[[Seen], Answer]


class FakeSystem:
    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.seen: list[Seen] = []
        self.connections = 0
        self.server_names: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode("latin-1").split("\r\n")
                method, path, _ = first.split(" ", 2)
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.seen.append(Seen(method, path, headers, body))
                answer = self.handler(self.seen[-1])
                if answer.until is not None:
                    await answer.until.wait()
                for part in answer.bytes():
                    writer.write(part)
                    await writer.drain()
                while answer.drip:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.01)
                if answer.raw is not None:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def running(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[FakeSystem]:
    system = FakeSystem(handler)
    if context is not None:
        context.sni_callback = lambda _socket, name, _context: system.server_names.append(name)
    server = await asyncio.start_server(system.serve, "127.0.0.1", 0, ssl=context)
    system.port = server.sockets[0].getsockname()[1]
    try:
        yield system
    finally:
        server.close()


class FakeNames:
    """A name service with `names`; other names are parsed as numbers, as the C library does, or do not exist."""

    def __init__(self, **names: list[str]) -> None:
        self.names = {name.replace("_", "."): addresses for name, addresses in names.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host.rstrip(".") in self.names:
            return self.names[host.rstrip(".")]
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [str(entry[4][0]) for entry in found]


Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
