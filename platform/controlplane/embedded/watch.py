"""Watchdog of the embedded servers: restarts a server that ended or hangs. Runs only in the owning process."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.processes import START_SECONDS
from controlplane.embedded.server import PROBE_SECONDS as LONGEST_PROBE
from controlplane.embedded.server import EmbeddedServer
from controlplane.embedded.supervise import HEALTHY_SECONDS, Crash, restart_delay

POLL_SECONDS = 0.2
PROBE_SECONDS = 2.0


@dataclass
class _State:
    server: EmbeddedServer
    started_at: float
    has_responded: bool = True
    crashes: int = 0
    retry_at: float | None = None
    silent: float = 0.0
    hung: bool = False


class ServerWatch:
    """A requested stop is respected. `on_crash` is called from the watching thread."""

    def __init__(
        self, servers: Sequence[EmbeddedServer], *, on_crash: Callable[[Crash], None], silent_seconds: float
    ) -> None:
        """Without a response for `silent_seconds` a server is killed and restarted."""
        self._states = [_State(server, time.monotonic()) for server in servers]
        self._on_crash = on_crash
        self._silent_seconds = silent_seconds
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for loop in (self._restart_ended, self._kill_hung):
            thread = threading.Thread(target=loop, name="fairlead-server-watch", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _restart_ended(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            for state in self._states:
                crash = self._restart_if_ended(state)
                if crash is not None:
                    self._on_crash(crash)

    def _restart_if_ended(self, state: _State) -> Crash | None:
        server = state.server
        with server.guard:
            now = time.monotonic()
            if state.retry_at is not None:
                return self._try_again(state) if now >= state.retry_at else None
            code = server.exit_code
            if code is None:
                return None
            state.crashes = 1 if now - state.started_at > HEALTHY_SECONDS else state.crashes + 1
            return self._crash(state, code, server.log_tail())

    def _try_again(self, state: _State) -> Crash | None:
        state.retry_at = None
        if state.server.exit_code is None:  # started by another thread, or stopped on purpose
            return None
        try:
            state.server.launch()
        except (EmbeddedServerFailed, OSError) as error:
            state.crashes += 1
            return self._crash(state, 1, str(error))
        state.started_at, state.has_responded, state.silent = time.monotonic(), False, 0.0
        return None

    def _crash(self, state: _State, code: int, log_tail: str) -> Crash:
        delay = restart_delay(state.crashes)
        state.retry_at = time.monotonic() + delay
        hung, state.hung = state.hung, False
        return Crash(state.server.name, code, delay, log_tail, hung)

    def _kill_hung(self) -> None:
        checked_at, longest = time.monotonic(), PROBE_SECONDS + LONGEST_PROBE * len(self._states)
        while not self._stopping.wait(PROBE_SECONDS):
            # On a suspended or overloaded machine this thread did not run, and neither did the servers.
            now = time.monotonic()
            passed, checked_at = min(now - checked_at, longest), now
            for state in self._states:
                self._probe(state, passed)

    def _probe(self, state: _State, passed: float) -> None:
        if state.server.is_stopping():
            # SIGTERM would make PostgreSQL refuse new clients and wait for every client to disconnect: our pools never
            # do.
            state.server.send(state.server.stop_signal)
        pid = state.server.pid
        if pid is None or state.server.responds():
            state.silent, state.has_responded = 0.0, state.has_responded or pid is not None
            return
        state.silent += passed
        limit = self._silent_seconds if state.has_responded else max(self._silent_seconds, START_SECONDS)
        if state.silent < limit:
            return
        with state.server.guard, contextlib.suppress(ProcessLookupError):
            if state.server.pid == pid:
                state.hung, state.silent = True, 0.0
                state.server.send(signal.SIGKILL)
