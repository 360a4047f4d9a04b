"""A TCP proxy with configurable faults, transparent to both sides. Runs in a thread of its own."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import msgspec
from psycopg.conninfo import conninfo_to_dict

_CHUNK = 64 * 1024
_SLICES_PER_SECOND = 20
_PATIENCE_SECONDS = 60
_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Fault of every connection through the link, old and new, while it is active."""

    latency_seconds: float = 0.0
    bytes_per_second: int = 0  # per direction; 0 means no limit
    cut_after: int | None = None  # both directions' bytes together; then a reset
    reset: bool = False
    blackhole: bool = False  # no bytes pass and no connection ends; delayed bytes are passed on afterwards
    half_close: bool = False  # the far side appears closed; bytes sent to it still arrive
    half_open: bool = False  # open connections stay dead without notice; new ones work


WELL = Trouble()
END = b""


class FaultyLink:
    """Listens on a loopback port of its own, and connects to `target`: (host, port), or the path of a Unix socket."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._trouble = WELL
        self._changed = asyncio.Event()
        self._open: set[_Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty-link", daemon=True)
        self._thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_PATIENCE_SECONDS)

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._open)

    def set_fault(self, trouble: Trouble) -> None:
        """Activate a fault; `WELL` ends it. Returns when it is active."""
        asyncio.run_coroutine_threadsafe(self._set_fault(trouble), self._loop).result(_PATIENCE_SECONDS)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_PATIENCE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _set_fault(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._changed.set()
        self._changed = asyncio.Event()
        for connection in list(self._open):
            connection.apply_fault(trouble)

    async def _close(self) -> None:
        self._server.close()
        for connection in list(self._open):
            connection.reset()
        self._trouble = WELL
        self._changed.set()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._target, str):
                far = await asyncio.open_unix_connection(self._target)
            else:
                far = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        connection = _Connection(self, writer, far[1])
        self._open.add(connection)
        connection.apply_fault(self._trouble)
        try:
            await asyncio.gather(connection.pump(reader, far[1]), connection.pump(far[0], writer, answers=True))
        finally:
            self._open.discard(connection)
            writer.close()
            far[1].close()

    async def until_passable(self) -> Trouble:
        """The current fault, once bytes may pass."""
        while self._trouble.blackhole:
            await self._changed.wait()
        return self._trouble


class _Connection:
    def __init__(self, link: FaultyLink, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._link = link
        self._near, self._far = near, far
        self._passed = 0
        self._ended_early = False
        self._is_old = False
        self._dead = False

    def apply_fault(self, trouble: Trouble) -> None:
        """Immediate effects of the fault on idle connections."""
        self._passed = 0
        self._dead = self._dead or (trouble.half_open and self._is_old)
        self._is_old = True
        if trouble.reset:
            self.reset()
        elif trouble.half_close and not self._ended_early:
            self._ended_early = True
            with contextlib.suppress(OSError):
                self._near.write_eof()

    def reset(self) -> None:
        for writer in (self._near, self._far):
            wire = writer.get_extra_info("socket")
            if wire is not None and wire.family == socket.AF_INET:
                with contextlib.suppress(OSError):
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
            writer.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        """Pass on bytes until either side ends; a reset is passed on too."""
        try:
            while (data := await reader.read(_CHUNK)) != END:
                trouble = await self._link.until_passable()
                if self._dead:
                    continue
                if trouble.latency_seconds:
                    await asyncio.sleep(trouble.latency_seconds)
                if not (answers and self._ended_early):
                    await self._pass_on(data, writer, trouble)
            await self._link.until_passable()
            if not (answers and self._ended_early) and not writer.is_closing():
                if self._dead:  # only a side that closes can end
                    self.reset()
                else:
                    writer.write_eof()
        except OSError:
            self.reset()

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter, trouble: Trouble) -> None:
        size = max(1, trouble.bytes_per_second // _SLICES_PER_SECOND) if trouble.bytes_per_second else len(data)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            left = None if trouble.cut_after is None else trouble.cut_after - self._passed
            writer.write(part if left is None else part[: max(left, 0)])
            await writer.drain()
            self._passed += len(part)
            if left is not None and left <= len(part):
                self.reset()
                return
            if trouble.bytes_per_second:
                await asyncio.sleep(1 / _SLICES_PER_SECOND)


def end_of(database_url: str) -> tuple[str, int] | str:
    """Target of a libpq URL."""
    found = conninfo_to_dict(database_url)
    host, port = str(found.get("host") or "127.0.0.1"), int(found.get("port") or 5432)
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def over(link: FaultyLink, database_url: str) -> str:
    """The same database and role, reached over the link."""
    parts = urlsplit(database_url)
    return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{link.port}", query="").geturl()


@contextmanager
def faulty_link(target: tuple[str, int] | str) -> Iterator[FaultyLink]:
    link = FaultyLink(target)
    try:
        yield link
    finally:
        link.close()
