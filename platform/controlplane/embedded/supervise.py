"""Supervisor of the product's own processes (web, workers, relay, sandbox), next to the embedded servers."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from controlplane.embedded.errors import EmbeddedServerFailed, log_tail, with_log_tail
from controlplane.embedded.processes import START_SECONDS, Command, Spawner, end_process
from foundation.settings import without_secrets

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 10.0
HEALTHY_SECONDS = 30.0
FAILED_COMMAND_SECONDS = 900.0
"""Delay until a failed periodic command is run again, unless its next run is earlier."""
WATCH_SECONDS = 0.1
ABORT_SECONDS = 2.0
"""Time between SIGABRT, upon which Python writes every thread's stack to the log, and SIGKILL."""
HEARTBEAT_VARIABLE = "FAIRLEAD_HEARTBEAT_FILE"


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to this process's environment, without its secrets."""
    restart: bool = True
    every_seconds: float | None = None
    """For a command that ends: interval between an exit with 0 and the next run; shorter after a failure."""
    first_after_seconds: float = 0.0
    silent_seconds: float | None = None
    """Liveness limit. A healthy program touches the file named by FAIRLEAD_HEARTBEAT_FILE. A program without a
    heartbeat for this long (at least START_SECONDS until the first) is ended, then restarted like any other.
    """
    stop_seconds: float = 10.0
    death_signal: signal.Signals = signal.SIGKILL
    """Signal on the death of this process. A request to end would not be enough: a web server may wait for an open page
    for ever.
    """


@dataclass(kw_only=True)
class _Run:
    program: Program
    process: subprocess.Popen[bytes] | None
    started_at: float
    crashes: int = 0
    retry_at: float | None = None
    given_up: bool = False
    beat: int = 0
    silent: float = 0.0
    aborted: bool = False


@dataclass(frozen=True)
class Crash:
    name: str
    exit_code: int
    restarts_in_seconds: float | None
    log_tail: str
    hung: bool = False
    """The program ran without a heartbeat."""

    @property
    def sentence(self) -> str:
        how = "gave no sign of life" if self.hung else f"ended with {self.exit_code}"
        if self.restarts_in_seconds is None:
            return f"{self.name} {how}."
        minutes = round(self.restarts_in_seconds / 60)
        return f"{self.name} {how} and is started again{f' in {minutes} minutes' if minutes > 1 else ''}."


def restart_delay(crashes: int) -> float:
    """Delay in seconds after this number of consecutive crashes."""
    # The exponent is bounded, so that a program which never starts does not produce a huge number.
    delay: float = min(FIRST_DELAY_SECONDS * 2 ** min(crashes - 1, 10), LONGEST_DELAY_SECONDS)
    return delay


class Supervisor:
    """Process supervisor. Programs start in the order of the calls and stop in reverse order. They die with this
    process.

    `now` is monotonic seconds; `on_crash` is called from the watching thread. For a program that ran for
    `healthy_seconds`, the crash count is reset.
    """

    def __init__(
        self,
        logs: Path,
        *,
        on_crash: Callable[[Crash], None] = lambda _crash: None,
        now: Callable[[], float] = time.monotonic,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        self._logs = logs
        self._healthy_seconds = healthy_seconds
        self._on_crash = on_crash
        self._now = now
        self._spawner = Spawner()
        self._runs: dict[str, _Run] = {}
        self._guard = threading.RLock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self, program: Program) -> None:
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._guard:
            if program.name in self._runs:
                raise EmbeddedServerFailed(f"A program named {program.name!r} runs already. Stop it first.")
            self._runs[program.name] = self._first_run(program)
            if self._watcher is None:
                self._stopping.clear()
                self._watcher = threading.Thread(target=self._watch, name="fairlead-supervisor", daemon=True)
                self._watcher.start()

    def _first_run(self, program: Program) -> _Run:
        now = self._now()
        if program.first_after_seconds:
            return _Run(program=program, process=None, started_at=now, retry_at=now + program.first_after_seconds)
        return _Run(program=program, process=self._spawn(program), started_at=now)

    def wait_until(self, name: str, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait for a program to become ready. The error on a crash or a time-out contains the end of its log."""
        deadline = self._now() + seconds
        while not ready():
            if self.pid(name) is None:
                raise with_log_tail(f"{name} ended while starting.", self.log(name))
            if self._now() > deadline:
                raise with_log_tail(f"{name} was not ready within {seconds:.0f} s.", self.log(name))
            time.sleep(0.02)

    def pid(self, name: str) -> int | None:
        with self._guard:
            run = self._runs.get(name)
            return run.process.pid if run and run.process and run.process.poll() is None else None

    def exit_code(self, name: str) -> int | None:
        """Exit code of a program that is not restarted; None while the program runs or is about to."""
        with self._guard:
            run = self._runs.get(name)
            return run.process.poll() if run and run.process else None

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def stop(self, name: str) -> None:
        """Stop one program: SIGTERM, then SIGKILL after its time limit."""
        with self._guard:
            run = self._runs.pop(name, None)
        if run is not None and run.process is not None:
            end_process(run.process, signal.SIGTERM, run.program.stop_seconds)
            _end_group(run.process)

    def kill(self, name: str) -> None:
        """Send SIGKILL, as in a crash; the program is restarted according to its settings."""
        pid = self.pid(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop_all(self) -> None:
        self._stopping.set()
        for name in reversed(list(self._runs)):
            self.stop(name)
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None

    def _heartbeat_file(self, program: Program) -> Path:
        return self._logs / f"{program.name}.heartbeat"

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        heartbeat = {}
        if program.silent_seconds is not None:
            self._heartbeat_file(program).unlink(missing_ok=True)
            heartbeat = {HEARTBEAT_VARIABLE: os.fspath(self._heartbeat_file(program))}
        return self._spawner.spawn(
            Command(
                argv=program.argv,
                log=self.log(program.name),
                death_signal=program.death_signal,
                env={**without_secrets(os.environ), "PYTHONUNBUFFERED": "1", **program.env, **heartbeat},
            )
        )

    def _watch(self) -> None:
        checked_at = self._now()
        while not self._stopping.wait(WATCH_SECONDS):
            # Time in which this thread did not run is not counted: on a suspended or overloaded machine the programs
            # did not run either.
            passed, checked_at = min(self._now() - checked_at, 2 * WATCH_SECONDS), self._now()
            with self._guard:
                for run in self._runs.values():
                    self._check_heartbeat(run, passed)
                crashes = [crash for run in self._runs.values() if (crash := self._restart_if_ended(run)) is not None]
            for crash in crashes:
                self._on_crash(crash)

    def _check_heartbeat(self, run: _Run, passed: float) -> None:
        limit = run.program.silent_seconds
        if limit is None or run.process is None or run.process.poll() is not None:
            return
        try:
            beat = self._heartbeat_file(run.program).stat().st_mtime_ns
        except FileNotFoundError:
            beat = 0
        run.silent = run.silent + passed if beat == run.beat else 0.0
        run.beat = beat
        if run.silent < (limit if beat else max(limit, START_SECONDS)) + ABORT_SECONDS * run.aborted:
            return
        with contextlib.suppress(ProcessLookupError):
            run.process.send_signal(signal.SIGKILL if run.aborted else signal.SIGABRT)
        run.aborted = True

    def _restart_if_ended(self, run: _Run) -> Crash | None:
        if run.retry_at is not None:
            return self._try_again(run) if self._now() >= run.retry_at else None
        if run.given_up or run.process is None or (code := run.process.poll()) is None:
            return None
        _end_group(run.process)
        if code == 0 and run.program.every_seconds is not None:
            run.process, run.crashes, run.retry_at = None, 0, self._now() + run.program.every_seconds
            return None
        tail, hung = log_tail(self.log(run.program.name)), run.aborted
        run.beat, run.silent, run.aborted = 0, 0.0, False
        if not run.program.restart:
            run.given_up = True
            return Crash(run.program.name, code, None, tail, hung)
        run.crashes = 1 if self._now() - run.started_at > self._healthy_seconds else run.crashes + 1
        run.process = None
        return Crash(run.program.name, code, self._retry_later(run), tail, hung)

    def _try_again(self, run: _Run) -> Crash | None:
        try:
            run.process, run.started_at, run.retry_at = self._spawn(run.program), self._now(), None
        except OSError as error:
            run.crashes += 1
            return Crash(run.program.name, error.errno or 1, self._retry_later(run), str(error))
        return None

    def _retry_later(self, run: _Run) -> float:
        delay = restart_delay(run.crashes)
        if run.program.every_seconds is not None:
            delay = max(delay, min(run.program.every_seconds, FAILED_COMMAND_SECONDS))
        run.retry_at = self._now() + delay
        return delay

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the remaining processes in an ended program's session, such as the children of a killed worker master."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
