"""`fairlead demo` as a command: its check reconciles, and it never leaves a process or listener behind."""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from controlplane.embedded.paths import embedded_paths
from controlplane.embedded.postgres import Postgres
from controlplane.embedded.processes import Spawner
from controlplane.stack import project_root
from tests.support.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

READY_SECONDS = 240
GONE_SECONDS = 90


class Demo:
    """The command as a process, with all processes that it started."""

    def __init__(self, home: Path, *options: str) -> None:
        self.port = free_port(0)
        self.home = home
        self.lines: list[str] = []
        argv = self.command(*options)
        self.process = subprocess.Popen(argv, cwd=project_root(), stdout=subprocess.PIPE, text=True, env=environment())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def command(self, *options: str) -> list[str]:
        shell = ["env", "--default-signal=INT"]  # a test run in the background ignores it, and its children would
        return [*shell, sys.executable, "-m", "controlplane", "demo", "--port", str(self.port), *options]

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def folder(self) -> Path:
        return self.home / str(self.process.pid)

    def wait_for(self, what: str, is_so: Callable[[], bool], *, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"{what}: not after {seconds:.0f} s; it said {self.lines}"
            time.sleep(0.02)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.lines}"
        return self.said_ready

    @property
    def said_ready(self) -> bool:
        return any("Stop everything with Ctrl-C" in line for line in self.lines)

    def family(self) -> set[int]:
        """All processes below it, by parent."""
        parents = {pid: parent for pid in running() if (parent := parent_of(pid)) is not None}
        found, size = {self.process.pid}, 0
        while len(found) > size:
            size = len(found)
            found |= {pid for pid, parent in parents.items() if parent in found}
        return found - {self.process.pid}

    def left(self, family: set[int]) -> dict[int, str]:
        """Remaining processes: descendants, or those that name its folder or run in it."""
        mine = os.fspath(self.folder)
        return {
            pid: process
            for pid in running()
            if (process := describe_process(pid)) and (pid in family or mine in process)
        }

    def expect_nothing_left(self, family: set[int]) -> None:
        self.wait_for("processes left", lambda: not self.left(family), seconds=GONE_SECONDS)
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
            pass

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


class MadeDemo(Demo):
    """`make demo`, with a `fairlead` that uses a free port; `home` is the folder of that one."""

    _known: frozenset[int] | set[int] = frozenset()

    def command(self, *options: str) -> list[str]:
        given = shlex.join(super().command(*options)).replace(" demo ", ' "$@" ', 1)
        program = self.home / "fairlead"
        program.write_text(f"#!/bin/sh\nexec {given}\n")
        program.chmod(0o755)
        return ["make", "--silent", "--old-file=install", "demo", f"BIN={self.home}"]

    def family(self) -> set[int]:
        self._known = super().family()
        return self._known

    def end(self) -> None:
        """End with the processes that outlived `make`, which would keep the output open."""
        for pid in self.left({*self._known, *super().family()}):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().end()


def environment() -> dict[str, str]:
    """The environment of a user's shell: neither these tests' servers nor the `make` that runs them."""
    others = ("DATABASE_", "REDIS_", "FAIRLEAD", "MAKE", "MFLAGS")
    return {name: value for name, value in os.environ.items() if not name.startswith(others)}


def running() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def parent_of(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return None


def describe_process(pid: int) -> str:
    """Command line and working folder of a live process; empty for an ended one or a zombie."""
    with contextlib.suppress(OSError):
        place = Path("/proc") / str(pid)
        if (place / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
            return (place / "cmdline").read_text().replace("\0", " ") + " in " + os.fspath((place / "cwd").readlink())
    return ""


@contextmanager
def running_demo(*options: str) -> Iterator[Demo]:
    demo = Demo(project_root() / "var" / "demo", *options)
    try:
        yield demo
    finally:
        demo.end()


def test_the_check_does_the_main_job_and_every_number_reconciles() -> None:
    with running_demo("--check", "--json") as demo:
        assert demo.process.wait(READY_SECONDS) == 0
        demo._reader.join()
        [line] = demo.lines
        found = json.loads(line)
        assert found["problems"] == []
        assert found["changes"] > found["approvals"] > 0
        assert found["propagations"] == found["read_backs"] == found["usage_events"] == 2 * found["changes"]
        assert {name.split()[0] for name in found["invoices"]} == {"retail", "wholesale"}
        assert all(float(total.split()[0].replace(",", "")) > 0 for total in found["invoices"].values())
        assert found["audit_entries"] > found["changes"]
        assert found["other_tenant_saw"] == 0
        assert (found["divided_values"], found["orders"]) == (21, 3)
        assert not demo.folder.exists()
        demo.expect_nothing_left(set())


def test_a_failing_step_is_reported_and_the_exit_status_is_1() -> None:
    """The channels are stopped when the check begins. The check is short, so the test repeats if it was missed."""
    for _ in range(5):
        with running_demo("--check", "--json") as demo:
            family = stop_the_channels_at_the_check(demo)
            if demo.process.wait(READY_SECONDS) == 0:
                continue
            assert demo.process.returncode == 1
            demo._reader.join()
            [line] = demo.lines
            assert json.loads(line)["problems"]
            demo.expect_nothing_left(family)
            assert not demo.folder.exists()
            return
    raise AssertionError("each check ended well")


def stop_the_channels_at_the_check(demo: Demo) -> set[int]:
    """Return the processes at that time."""
    url = Postgres(embedded_paths(demo.folder / "servers"), Spawner(), durable=True).url()

    def check_begins() -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
            seen = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'fairlead check'"
            return connection.execute(seen).fetchone() is not None
        return demo.process.poll() is not None

    demo.wait_for("check", check_begins)
    family = demo.family()
    for pid in family:
        if "connectors.sandbox" in describe_process(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
    return family


def test_it_prints_its_address_and_ctrl_c_removes_everything() -> None:
    with running_demo("--quiet-erp") as demo:
        demo.wait_for("ready", demo.is_ready)
        output = "".join(demo.lines)
        for wanted in ("MSP administrator", "client approver", "partner", "password", f"localhost:{demo.port}"):
            assert wanted in output
        family = demo.family()
        names = " ".join(describe_process(pid) for pid in family)
        for program in (
            "postgres",
            "valkey-server",
            "connectors.sandbox",
            "controlplane web",
            "controlplane worker",
            "controlplane relay",
        ):
            assert program in names
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(GONE_SECONDS) == 0
        demo.expect_nothing_left(family)
        assert not demo.folder.exists()


def test_killing_it_ends_all_its_processes() -> None:
    with running_demo("--quiet-erp") as demo:
        demo.wait_for("ready", demo.is_ready)
        family: set[int] = set()

        def is_seen() -> bool:
            nonlocal family  # the database's processes come and go
            family = demo.family()
            return len(family) > 5 and set(demo.left(family)) == family

        demo.wait_for("family", is_seen)
        demo.process.kill()
        demo.process.wait()
        demo.expect_nothing_left(family)


def test_killing_make_ends_the_demo(tmp_path: Path) -> None:
    demo = MadeDemo(tmp_path, "--quiet-erp")
    try:
        demo.wait_for("processes", lambda: len(demo.family()) > 6)
        family = demo.family()
        demo.process.kill()
        demo.process.wait()
        demo.expect_nothing_left(family)
    finally:
        demo.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_while_starting_it_leaves_nothing(number: signal.Signals) -> None:
    with running_demo("--quiet-erp") as demo:
        demo.wait_for("servers", (demo.folder / "servers" / "postgres" / "postmaster.pid").exists)
        family = demo.family()
        demo.process.send_signal(number)
        ended = demo.process.wait(GONE_SECONDS)
        demo._reader.join()
        assert ended != 0 or demo.said_ready  # unless it ended before this check
        demo.expect_nothing_left(family)


def test_files_of_a_killed_run_are_removed_by_the_next() -> None:
    home = project_root() / "var" / "demo"
    left = home / str(2**22 + 1)  # above the kernel's largest process id
    (left / "servers").mkdir(parents=True, exist_ok=True)
    with running_demo("--check") as demo:
        demo.wait_for("the old folder's end", lambda: not left.exists())
