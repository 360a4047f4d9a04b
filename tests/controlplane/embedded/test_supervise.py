import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.embedded.errors import EmbeddedServerFailed
from controlplane.embedded.supervise import Crash, Program, Supervisor

SLEEPER = "import time; print('up'); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid)
time.sleep(600)
"""
BEATING = """
import faulthandler, os, pathlib, time
faulthandler.enable()
print("up", flush=True)
while True:
    pathlib.Path(os.environ["FAIRLEAD_HEARTBEAT_FILE"]).touch()
    time.sleep(0.05)
"""
BEATS_ONCE = """
import faulthandler, os, pathlib, time
faulthandler.enable()
def stuck():
    pathlib.Path(os.environ["FAIRLEAD_HEARTBEAT_FILE"]).touch()
    time.sleep(600)
stuck()
"""
OWNER = """
import sys, time
from pathlib import Path
from controlplane.embedded.supervise import Program, Supervisor
supervisor = Supervisor(Path(sys.argv[1]))
supervisor.start(Program(name="stubborn", argv=[sys.executable, "-c", sys.argv[2]]))
supervisor.wait_until("stubborn", lambda: "up" in supervisor.log("stubborn").read_text(), seconds=90)
print(supervisor.pid("stubborn"), flush=True)
time.sleep(600)
"""


def python(name: str, code: str, **options: Any) -> Program:
    return Program(name=name, argv=[sys.executable, "-c", code], **options)


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def crashes() -> list[Crash]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, crashes: list[Crash]) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs", on_crash=crashes.append) as running:
        yield running


def said_up(supervisor: Supervisor, name: str) -> None:
    supervisor.wait_until(name, lambda: "up" in supervisor.log(name).read_text(), seconds=90)


class TestSupervisor:
    def test_output_goes_to_a_file_per_program(self, supervisor: Supervisor) -> None:
        supervisor.start(python("one", "import sys; print('out'); print('err', file=sys.stderr)", restart=False))
        until(lambda: supervisor.exit_code("one") == 0)
        assert sorted(supervisor.log("one").read_text().split()) == ["err", "out"]

    def test_programs_get_their_own_environment_on_top_of_ours(
        self, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FROM_US", "1")
        code = "import os; print(os.environ['FROM_US'] + os.environ['FROM_PROGRAM'])"
        supervisor.start(python("one", code, restart=False, env={"FROM_PROGRAM": "2"}))
        until(lambda: supervisor.exit_code("one") is not None)
        assert supervisor.log("one").read_text().strip() == "12"

    def test_a_killed_program_is_restarted_and_the_crash_reported(
        self, supervisor: Supervisor, crashes: list[Crash]
    ) -> None:
        supervisor.start(python("one", SLEEPER))
        said_up(supervisor, "one")
        first = supervisor.pid("one")
        supervisor.kill("one")
        until(lambda: supervisor.pid("one") not in (None, first))
        assert [(crash.name, crash.exit_code) for crash in crashes] == [("one", -signal.SIGKILL)]
        assert crashes[0].log_tail == "up"

    def test_each_crash_in_a_row_doubles_the_wait(self, supervisor: Supervisor, crashes: list[Crash]) -> None:
        supervisor.start(python("one", "raise SystemExit(3)"))
        until(lambda: len(crashes) >= 3)
        assert [crash.restarts_in_seconds for crash in crashes[:3]] == [0.2, 0.4, 0.8]

    def test_a_program_without_restart_is_reported_once(self, supervisor: Supervisor, crashes: list[Crash]) -> None:
        supervisor.start(python("one", "raise SystemExit(3)", restart=False))
        supervisor.start(python("two", "raise SystemExit(4)"))
        until(lambda: sum(crash.name == "two" for crash in crashes) >= 2)
        assert [crash.exit_code for crash in crashes if crash.name == "one"] == [3]
        assert supervisor.exit_code("one") == 3

    def test_a_repeated_command_runs_again_silently_after_success(
        self, supervisor: Supervisor, crashes: list[Crash]
    ) -> None:
        supervisor.start(python("one", "print('done')", every_seconds=0.01))
        until(lambda: supervisor.log("one").read_text().count("done") >= 3)
        assert crashes == []

    def test_a_repeated_command_waits_for_its_first_turn(self, tmp_path: Path) -> None:
        now = [1000.0]
        with Supervisor(tmp_path, now=lambda: now[0]) as supervisor:
            supervisor.start(python("one", SLEEPER, every_seconds=86_400.0, first_after_seconds=300.0))
            assert supervisor.pid("one") is None
            assert not supervisor.log("one").exists()
            now[0] += 301
            until(lambda: supervisor.log("one").exists())
            said_up(supervisor, "one")

    def test_a_failed_repeated_command_is_reported_and_retried_in_minutes(
        self, supervisor: Supervisor, crashes: list[Crash]
    ) -> None:
        supervisor.start(python("one", "raise SystemExit(3)", every_seconds=86_400.0))
        until(lambda: bool(crashes))
        assert [crash.sentence for crash in crashes] == ["one ended with 3 and is started again in 15 minutes."]

    def test_a_failed_start_reports_the_cause(self, supervisor: Supervisor) -> None:
        supervisor.start(python("one", "raise SystemExit('the reason')"))
        with pytest.raises(EmbeddedServerFailed, match="the reason"):
            supervisor.wait_until("one", lambda: False, seconds=90)

    def test_two_programs_of_one_name_are_refused(self, supervisor: Supervisor) -> None:
        supervisor.start(python("one", SLEEPER))
        with pytest.raises(EmbeddedServerFailed, match="runs already"):
            supervisor.start(python("one", SLEEPER))

    def test_stop_ends_in_the_reverse_order_and_leaves_no_zombie(self, tmp_path: Path) -> None:
        order = tmp_path / "order"
        code = """
import signal, sys, time
def end(*_):
    with open(sys.argv[2], "a") as f: f.write(sys.argv[1])
    sys.exit(0)
signal.signal(signal.SIGTERM, end); print("up"); time.sleep(600)
"""
        supervisor = Supervisor(tmp_path / "logs")
        pids = []
        for name in "ab":
            supervisor.start(Program(name=name, argv=[sys.executable, "-c", code, name, str(order)]))
            said_up(supervisor, name)
            pids.append(supervisor.pid(name))
        supervisor.stop_all()
        assert order.read_text() == "ba"
        assert [Path(f"/proc/{pid}").exists() for pid in pids] == [False, False]

    def test_a_program_that_ignores_the_signal_is_killed(self, supervisor: Supervisor) -> None:
        supervisor.start(python("one", STUBBORN, stop_seconds=0.2))
        said_up(supervisor, "one")
        pid = supervisor.pid("one")
        supervisor.stop("one")
        assert not Path(f"/proc/{pid}").exists()

    def test_child_processes_end_with_a_killed_program(self, supervisor: Supervisor) -> None:
        supervisor.start(python("one", FAMILY, restart=False))
        supervisor.wait_until("one", lambda: bool(supervisor.log("one").read_text().strip()), seconds=90)
        grandchild = int(supervisor.log("one").read_text())
        supervisor.kill("one")
        until(lambda: not is_running(grandchild))

    def test_programs_end_when_the_supervising_process_is_killed(self, tmp_path: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(tmp_path), STUBBORN], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            pid = int(process.stdout.readline())
            assert is_running(pid)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        until(lambda: not is_running(pid))

    def test_ctrl_c_at_the_terminal_does_not_reach_the_programs(self, supervisor: Supervisor) -> None:
        supervisor.start(python("one", SLEEPER))
        pid = supervisor.pid("one")
        assert pid
        assert os.getsid(pid) == pid != os.getsid(0)


class TestPulse:
    def test_a_stopped_program_is_replaced_and_reported(self, supervisor: Supervisor, crashes: list[Crash]) -> None:
        supervisor.start(python("one", BEATING, silent_seconds=4.0))
        said_up(supervisor, "one")
        first = supervisor.pid("one")
        assert first
        os.kill(first, signal.SIGSTOP)
        until(lambda: supervisor.pid("one") not in (None, first))
        assert [(crash.name, crash.hung) for crash in crashes] == [("one", True)]
        assert not is_running(first)

    def test_a_hanging_programs_stack_is_logged(self, supervisor: Supervisor, crashes: list[Crash]) -> None:
        supervisor.start(python("one", BEATS_ONCE, silent_seconds=1.0, restart=False))
        until(lambda: bool(crashes))
        assert crashes[0].hung
        assert "in stuck" in supervisor.log("one").read_text()

    def test_the_first_heartbeat_may_take_long(self, supervisor: Supervisor, crashes: list[Crash]) -> None:
        supervisor.start(python("one", SLEEPER, silent_seconds=0.1))
        said_up(supervisor, "one")
        time.sleep(1.0)
        assert not crashes

    def test_a_killed_program_is_no_hung_one(self, supervisor: Supervisor, crashes: list[Crash]) -> None:
        supervisor.start(python("one", BEATING, silent_seconds=60.0))
        said_up(supervisor, "one")
        supervisor.kill("one")
        until(lambda: bool(crashes))
        assert not crashes[0].hung

    def test_time_while_the_watcher_was_stopped_does_not_count(self, tmp_path: Path) -> None:
        """As on a machine that was suspended or is overloaded."""
        crashes: list[Crash] = []
        jumps = iter(range(10**9))
        supervisor = Supervisor(tmp_path, on_crash=crashes.append, now=lambda: next(jumps) * 1000.0)
        with supervisor:
            supervisor.start(python("one", BEATING, silent_seconds=60.0))
            said_up_by(supervisor, "one")
            time.sleep(2.0)
            assert not crashes


def said_up_by(supervisor: Supervisor, name: str) -> None:
    """The output of the programs, without the supervisor's own clock."""
    until(lambda: supervisor.log(name).exists() and "up" in supervisor.log(name).read_text())


def test_a_program_can_be_ended_with_its_parent(tmp_path: Path) -> None:
    """For `--die-with-parent`: when the parent is killed, the child receives SIGTERM."""
    child = """
import signal, sys, time
from controlplane.embedded.processes import die_with_parent
def end(*_):
    open(sys.argv[1], "w").write("asked")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
die_with_parent()
print("up", flush=True)
time.sleep(600)
"""
    said = tmp_path / "said"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    command = [sys.executable, "-c", parent, child, str(said)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "up\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    until(lambda: said.exists() and said.read_text() == "asked")
