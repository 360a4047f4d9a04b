"""Log rotation while processes write, by size and age; logs are readable by their owner only."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controlplane.embedded import logs
from controlplane.embedded.logs import LIMIT_SECONDS, RETAINED_FILES, LogRotation, open_log, rotate_if_due

WRITER = """
import sys
for n in range(int(sys.argv[1])):
    print(n, flush=True)
    sys.stdin.readline()
"""


def modes(folder: Path) -> set[int]:
    return {each.stat().st_mode & 0o777 for each in folder.iterdir()}


def test_a_running_writer_continues_in_the_truncated_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LIMIT_BYTES", 3)
    log = tmp_path / "one.log"
    descriptor = open_log(log)
    argv = [sys.executable, "-c", WRITER, "3"]
    with subprocess.Popen(argv, stdout=descriptor, stdin=subprocess.PIPE, text=True) as writer:
        os.close(descriptor)
        assert writer.stdin is not None
        for lines in ("0\n", "0\n1\n"):
            wait_for(log, lines)
            assert rotate_if_due(log) == (lines == "0\n1\n")
            writer.stdin.write("\n")
            writer.stdin.flush()
        wait_for(log, "2\n")
        writer.stdin.close()
    assert (tmp_path / "one.log.1").read_text() == "0\n1\n"
    assert modes(tmp_path) == {0o600}


def wait_for(log: Path, content: str) -> None:
    deadline = time.monotonic() + 90
    while log.read_text() != content:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


def test_an_old_log_is_rotated_and_old_rotations_are_deleted(tmp_path: Path) -> None:
    log, now = tmp_path / "one.log", time.time()
    os.close(open_log(log))
    for day in range(1, RETAINED_FILES + 3):
        log.write_text(f"{day}\n")
        at = now + day * (LIMIT_SECONDS + 1)
        assert not rotate_if_due(log, now=at - 2)
        assert rotate_if_due(log, now=at)
    assert [(tmp_path / f"one.log.{n}").read_text() for n in range(1, RETAINED_FILES + 1)] == [
        "7\n",
        "6\n",
        "5\n",
        "4\n",
        "3\n",
    ]
    assert not (tmp_path / f"one.log.{RETAINED_FILES + 1}").exists()
    log.write_text("late\n")
    assert rotate_if_due(log, now=now + 365 * LIMIT_SECONDS)
    assert [each.name for each in sorted(tmp_path.glob("one.log*"))] == ["one.log"], "older than kept logs may be"


def test_a_log_that_others_could_read_is_closed(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.touch(mode=0o644)
    os.close(open_log(log))
    assert modes(tmp_path) == {0o600}


def test_every_log_of_the_folders_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LIMIT_BYTES", 3)
    monkeypatch.setattr(logs, "POLL_SECONDS", 0.01)
    (tmp_path / "one.log").write_text("long enough\n")
    rotation = LogRotation((tmp_path, tmp_path / "absent"))
    rotation.start()
    wait_for(tmp_path / "one.log", "")
    rotation.stop()
    assert (tmp_path / "one.log.1").read_text() == "long enough\n"
