"""Child processes that never outlive this process."""

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from controlplane.embedded.logs import open_log
from controlplane.embedded.os_user import OsUser

PR_SET_PDEATHSIG = 1
START_SECONDS = 120.0
"""Time limit for a child's start on a slow machine; a killed database replays its log first. A child that cannot start
fails at once.
"""


@dataclass(frozen=True)
class Command:
    argv: Sequence[str]
    log: Path
    death_signal: signal.Signals
    """Signal that the kernel sends to the child when this process dies for any reason."""
    user: OsUser | None = None
    cwd: Path | None = None
    env: Mapping[str, str] | None = None


class Spawner:
    """Starts every child from one thread that lives as long as this process.

    The kernel's parent-death signal is bound to the thread that forked: a child started from a pool's or request's
    thread would be signalled when that thread ends.
    """

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[tuple[Command, Future[subprocess.Popen[bytes]]]] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def spawn(self, command: Command) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="fairlead-spawner", daemon=True)
                self._thread.start()
        answer: Future[subprocess.Popen[bytes]] = Future()
        self._requests.put((command, answer))
        return answer.result()

    def _serve(self) -> None:
        while True:
            command, answer = self._requests.get()
            try:
                answer.set_result(_popen(command))
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                answer.set_exception(error)


def _popen(command: Command) -> subprocess.Popen[bytes]:
    with os.fdopen(open_log(command.log), "ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own programs, no shell
            [os.fspath(part) for part in command.argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=command.cwd,
            env=None if command.env is None else dict(command.env),
            # A separate session: Ctrl-C reaches only this process, which then stops its children in order.
            start_new_session=True,
            user=command.user.uid if command.user else None,
            group=command.user.gid if command.user else None,
            extra_groups=[] if command.user else None,
            # Runs after the change of user, which would clear the setting.
            preexec_fn=_in_child(command.death_signal),  # noqa: PLW1509 - it takes no lock
        )


def die_with_parent(death_signal: signal.Signals = signal.SIGTERM) -> None:
    """Make the kernel send `death_signal` to this process when its parent dies.

    Not inherited: a program with its own workers calls this function in each of them.
    """
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != parent:  # the parent died before the setting took effect
        signal.raise_signal(death_signal)


def _in_child(death_signal: signal.Signals) -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl  # resolved before the fork: no imports in the child
    parent = os.getpid()

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # the parent died before the setting took effect
            os._exit(1)

    return prepare


def end_process(process: subprocess.Popen[bytes], stop_signal: signal.Signals, seconds: float) -> bool:
    """Terminate, wait, then kill, and reap. Returns False when a kill was needed. A paused process is resumed first."""
    if process.poll() is not None:
        return True
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(stop_signal)
        process.send_signal(signal.SIGCONT)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def processes_in(folder: Path, program: str) -> list[int]:
    """Processes of `program` with `folder` as working directory: PostgreSQL and Valkey both change to their data
    folder.
    """
    wanted = os.fspath(folder.resolve())
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if str((entry / "cwd").readlink()) == wanted and (entry / "comm").read_text().strip() == program:
                    found.append(int(entry.name))
    return found


def wait_until_gone(folder: Path, program: str, *, seconds: float, then: Sequence[signal.Signals] = ()) -> list[int]:
    """Wait for `program` in `folder` to end, sending the signals of `then` in order. Returns the remaining
    processes.
    """
    for press in (None, *then):
        remaining = processes_in(folder, program)
        for pid in remaining if press else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, press or 0)
                os.kill(pid, signal.SIGCONT)
        deadline = time.monotonic() + seconds
        while remaining and time.monotonic() < deadline:
            time.sleep(0.02)
            remaining = processes_in(folder, program)
        if not remaining:
            return []
    return processes_in(folder, program)
