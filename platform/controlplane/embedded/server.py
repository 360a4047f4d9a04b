"""Base class of the embedded PostgreSQL and Valkey servers: start, stop, kill, restart and error texts."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path

from controlplane.embedded.errors import EmbeddedServerFailed, log_tail, with_log_tail
from controlplane.embedded.os_user import OsUser
from controlplane.embedded.paths import EmbeddedPaths
from controlplane.embedded.processes import START_SECONDS, Command, Spawner, end_process, wait_until_gone

POLL_SECONDS = 0.01
ORPHAN_SECONDS = 7.5
STOP_SECONDS = 20.0
PRESS = (signal.SIGINT, signal.SIGKILL)
PROBE_SECONDS = 5.0


class EmbeddedServer(ABC):
    name: str
    program: str
    stop_signal: signal.Signals

    def __init__(self, paths: EmbeddedPaths, spawner: Spawner) -> None:
        self.paths = paths
        self._owned = False
        self._user: OsUser | None = None
        self._spawner = spawner
        self._process: subprocess.Popen[bytes] | None = None
        self.guard = threading.RLock()
        """Held during start and stop, so that a watching thread does not interfere."""

    @property
    @abstractmethod
    def data(self) -> Path: ...

    @property
    @abstractmethod
    def log(self) -> Path: ...

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server serves requests now; checked over its socket."""

    @abstractmethod
    def responds(self) -> bool:
        """Whether the server responds at all, even during recovery or without a free connection."""

    def is_stopping(self) -> bool:
        """Whether the server is in a requested shutdown and refuses new clients."""
        return False

    @abstractmethod
    def _command(self) -> Command: ...

    @abstractmethod
    def _prepare(self) -> None:
        """Prepare the data folder for a start."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """Exit code of a process that ended by itself; None while the process runs, and after a requested stop."""
        return self._process.poll() if self._process is not None else None

    def start(self, *, seconds: float = START_SECONDS) -> None:
        """Start unless running, and wait until the server answers."""
        self.launch()
        self._wait_until_it_answers(seconds)

    def launch(self) -> None:
        """Start unless running, without waiting for an answer."""
        self._must_own()
        with self.guard:
            if self.pid is not None:
                return
            # The server of a killed former owner may still be shutting down. This process holds the lock, so a server
            # that does not end by itself is an orphan.
            left = wait_until_gone(self.data, self.program, seconds=ORPHAN_SECONDS, then=PRESS)
            if left:
                raise EmbeddedServerFailed(
                    f"Processes {left} of an earlier {self.name} in {self.data} cannot be ended."
                )
            self._prepare()
            try:
                self._process = self._spawner.spawn(self._command())
            except OSError as error:
                raise EmbeddedServerFailed(f"{self.name} cannot be started: {error}") from error

    def take_over(self, user: OsUser | None) -> None:
        """Take ownership of the server. Only for the holder of the lock; all other processes attach and leave the
        server alone.
        """
        self._owned, self._user = True, user

    def let_go(self) -> None:
        self._owned = False

    def _must_own(self) -> None:
        if not self._owned:
            raise EmbeddedServerFailed(f"This process does not own the {self.name} in {self.data}.")

    def _wait_until_it_answers(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.answers():
            if self.pid is None:
                raise with_log_tail(f"{self.name} ended while starting.", self.log)
            if time.monotonic() > deadline:
                self.stop()
                raise with_log_tail(f"{self.name} did not answer within {seconds:.0f} s.", self.log)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Shut down and reap; killed when the shutdown exceeds the time for a checkpoint."""
        with self.guard:
            if self._process is not None:
                end_process(self._process, self.stop_signal, STOP_SECONDS)
                self._process = None

    def kill(self) -> None:
        """Send SIGKILL. The server stays down until `start`."""
        self._must_own()
        with self.guard:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._process = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server process, as from outside."""
        if (pid := self.pid) is not None:
            os.kill(pid, number)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log_tail(self) -> str:
        return log_tail(self.log)

    @staticmethod
    def _request(path: Path, question: bytes) -> bytes:
        """First bytes of the response over a Unix socket; empty when there is none."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PROBE_SECONDS)
            connection.connect(str(path))
            connection.sendall(question)
            return connection.recv(64)
        return b""
