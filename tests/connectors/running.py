"""The sandbox as a process, and a plain caller in place of the guarded outbound client."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx2
import msgspec

from canonical.messages import Message, Observation
from connectors.ports import ConnectionConfig, HttpResponse
from connectors.sandbox.faults import WELL, Faults
from connectors.sandbox.plan import SystemPlan

TOKEN = "sandbox-token"


class PlainCaller:
    """`HttpCaller` without guard, limits and breaker."""

    def __init__(self, *, timeout: float = 60.0) -> None:
        self._client = httpx2.AsyncClient(timeout=timeout)
        self.requests = 0

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        self.requests += 1
        return await self._client.request(method, url, headers=headers, content=content)

    async def close(self) -> None:
        await self._client.aclose()


class RunningSandbox:
    """The running sandbox. Each test adds systems of its own, so only the process is shared."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self._control = httpx2.Client(base_url=self.base_url, timeout=60)
        self._names = count(1)

    def add(self, kind: str, *, skus: int = 20, delay_seconds: float = 0.0, currency: str = "USD") -> str:
        """Add a system; returns its base URL."""
        name = f"{kind.removeprefix('sandbox-')}-{next(self._names)}"
        plan = msgspec.convert(
            {
                "name": name,
                "kind": kind,
                "token": TOKEN,
                "skus": skus,
                "delay_seconds": delay_seconds,
                "currency": currency,
            },
            SystemPlan,
        )
        self._control.put("/_systems", content=msgspec.json.encode(plan)).raise_for_status()
        return f"{self.base_url}/{name}"

    def enlarge(self, url: str, kind: str, *, skus: int) -> None:
        """Add products on the remote side; the system restarts with them."""
        plan = {"name": url.rsplit("/", 1)[1], "kind": kind, "token": TOKEN, "skus": skus, "currency": "USD"}
        self._control.put("/_systems", content=msgspec.json.encode(plan)).raise_for_status()

    def break_(self, url: str, faults: Faults) -> None:
        self._control.put(f"{url}/_faults", content=msgspec.json.encode(faults)).raise_for_status()

    def mend(self, url: str) -> None:
        self._control.delete(f"{url}/_faults").raise_for_status()

    def delay(self, url: str, seconds: float) -> None:
        """Set a market's delay, also for feeds that already wait there."""
        self._control.put(f"{url}/_delay", content=msgspec.json.encode(seconds)).raise_for_status()

    def is_well(self, url: str) -> bool:
        return bool(self._control.get(f"{url}/_faults").raise_for_status().json() == msgspec.to_builtins(WELL))

    def effects(self, url: str) -> dict[str, object]:
        found: dict[str, object] = self._control.get(f"{url}/_effects?detail=1").raise_for_status().json()
        return found

    def close(self) -> None:
        self._control.close()


@contextmanager
def running_sandbox(folder: Path) -> Iterator[RunningSandbox]:
    port_file = folder / "port"
    plan = folder / "plan.json"
    plan.write_text("[]")
    options = ["--port-file", str(port_file), "--plan", str(plan)]
    process = subprocess.Popen([sys.executable, "-m", "connectors.sandbox", *options])
    try:
        deadline = time.monotonic() + 90
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The sandbox process did not start.")
            time.sleep(0.02)
        sandbox = RunningSandbox(int(port_file.read_text()))
        yield sandbox
        sandbox.close()
    finally:
        process.terminate()
        process.wait(60)


def connection(url: str, **settings: str) -> ConnectionConfig:
    return ConnectionConfig(url.rsplit("/", 1)[-1], url, settings, {"api_key": TOKEN})


def observed(found: Sequence[Message]) -> list[Observation]:
    """The observations among an adapter's translated messages."""
    return [one for one in found if isinstance(one, Observation)]
