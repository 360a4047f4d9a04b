"""Load generator in a process of its own: requests are built and signed before the first is sent.

`python -m tests.benchmarks.load` reads a `LoadPlan` as JSON from standard input and writes a `LoadResult`. It uses
keep-alive connections on raw sockets: a generator that costs as much as the server would measure itself. Its own
maximum, against a server that answers without reading, is part of the table.
"""

import asyncio
import subprocess
import sys
import time
from collections import Counter, deque
from datetime import UTC, datetime
from typing import Any

import msgspec
import uvloop

from canonical.elements import PRICE
from connectors.webhooks.signatures import sign
from foundation.ids import new_id
from tests.benchmarks.rig import FIRST_PRICE, batch, change, quantile


class Target(msgspec.Struct, frozen=True):
    path: str
    secret: str


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` 0 sends as fast as responses arrive. Otherwise requests are due at fixed times, and latency counts from
    then.
    """

    port: int
    targets: list[Target]
    requests: int
    changes: int = 1  # per request
    skus: int = 1000
    first_version: int = 2
    connections: int = 64
    rate: float = 0.0
    seconds: float = 60.0


class LoadResult(msgspec.Struct, frozen=True):
    answered: int
    statuses: dict[int, int]
    seconds: float
    p50: float  # seconds
    p99: float
    began: float  # wall clock
    ended: float

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


def build_requests(plan: LoadPlan) -> list[bytes]:
    """Request with distinct ids. Prices change by at most 5 %, SKU after SKU, so that policy passes them."""
    now = datetime.now(UTC)
    at = now.isoformat()
    built = []
    for n in range(plan.requests):
        target = plan.targets[n % len(plan.targets)]
        first = n // len(plan.targets) * plan.changes
        bodies = [
            change(
                k % plan.skus, PRICE, FIRST_PRICE + 1 + (plan.first_version + k // plan.skus) % 400,
                plan.first_version + k // plan.skus, at,
            )
            for k in range(first, first + plan.changes)
        ]  # fmt: skip
        body = bodies[0].encode() if plan.changes == 1 else batch(bodies)
        headers = sign(target.secret.encode(), message_id=f"m_{new_id().hex}", sent_at=now, body=body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        built.append(
            f"POST {target.path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{lines}"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
    return built


class _Connection(asyncio.Protocol):
    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._buffer = b""
        self._due = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lengths = self._buffer.lower().find(b"content-length: ", 0, head)
        length = int(self._buffer[lengths + 16 : self._buffer.find(b"\r\n", lengths)]) if lengths >= 0 else 0
        if len(self._buffer) < head + 4 + length:
            return
        status, self._buffer = int(self._buffer[9:12]), b""
        self._load.answered(self, status, time.perf_counter() - self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(exc)


class _Load:
    def __init__(self, plan: LoadPlan, requests: list[bytes]) -> None:
        self._plan = plan
        self._requests = iter(requests)
        self._idle: deque[_Connection] = deque()
        self._seconds: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._under_way = 0
        self._stopping = False
        self._done = asyncio.get_running_loop().create_future()

    async def run(self) -> LoadResult:
        loop = asyncio.get_running_loop()
        for _ in range(self._plan.connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._plan.port)
            self._idle.append(connection)
        began, started = time.time(), time.perf_counter()
        loop.call_later(self._plan.seconds, self._stop)
        if self._plan.rate:
            await self._at_rate(started)
        else:
            for connection in list(self._idle):
                self._next(connection, time.perf_counter())
        await self._done
        took = time.perf_counter() - started
        return LoadResult(
            len(self._seconds), dict(self._statuses), took, quantile(self._seconds, 0.5), quantile(self._seconds, 0.99),
            began, time.time(),
        )  # fmt: skip

    async def _at_rate(self, started: float) -> None:
        sent = 0
        while not self._stopping:
            due = started + sent / self._plan.rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            elif not self._idle:
                await asyncio.sleep(0.0005)
            else:
                self._next(self._idle.popleft(), due)
                sent += 1

    def _next(self, connection: _Connection, due: float) -> None:
        request = None if self._stopping else next(self._requests, None)
        if request is None:
            self._stop()
            return
        self._under_way += 1
        connection.send(request, due)

    def answered(self, connection: _Connection, status: int, seconds: float) -> None:
        self._seconds.append(seconds)
        self._statuses[status] += 1
        self._under_way -= 1
        if self._plan.rate:
            self._idle.append(connection)
        else:
            self._next(connection, time.perf_counter())
        if self._stopping and self._under_way == 0 and not self._done.done():
            self._done.set_result(None)

    def lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(f"the server closed a connection: {error}"))

    def _stop(self) -> None:
        self._stopping = True
        if self._under_way == 0 and not self._done.done():
            self._done.set_result(None)


def send_load(plan: LoadPlan) -> LoadResult:
    """Run a load in its own process. Every response must be 202, because a refusal would be faster."""
    return finish_load(start_load(plan))


def start_load(plan: LoadPlan) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(plan))
    process.stdin.close()
    return process


def finish_load(process: "subprocess.Popen[bytes]") -> LoadResult:
    assert process.stdout is not None
    output = process.stdout.read()
    if process.wait() != 0:
        raise RuntimeError("the load generator failed")
    result = msgspec.json.decode(output, type=LoadResult)
    if set(result.statuses) != {202}:
        raise RuntimeError(f"answers other than 202: {result.statuses}")
    return result


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=LoadPlan)
    requests = build_requests(plan)

    async def run() -> LoadResult:
        return await _Load(plan, requests).run()

    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run())))


if __name__ == "__main__":
    main()
