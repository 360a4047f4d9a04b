"""Log files of child processes: readable by their owner only, and rotated while the processes write to them.

Writers hold the file open for appending, so a rotation copies and truncates it, like logrotate's `copytruncate`. Lines
written between the two steps, microseconds apart, are lost.
"""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LIMIT_BYTES = 16 * 1024 * 1024
LIMIT_SECONDS = 24 * 3600.0
RETAINED_FILES = 5
RETAINED_SECONDS = 14 * 24 * 3600.0
POLL_SECONDS = 2.0
_PRIVATE = 0o600


def open_log(log: Path) -> int:
    """Open a log for appending and return its descriptor. A log that is due is rotated first."""
    rotate_if_due(log)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
    with contextlib.suppress(OSError):  # owned by another user
        os.fchmod(descriptor, _PRIVATE)
    return descriptor


def rotate_if_due(log: Path, *, now: float | None = None) -> bool:
    """Rotate by size, or by the age of the file. Raises OSError when there is no room for the copy."""
    now = time.time() if now is None else now
    began = _mark_of(log)
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        _mark(began, now)
        return False
    if not began.exists():
        _mark(began, now)
    if size == 0 or (size <= LIMIT_BYTES and now - began.stat().st_mtime < LIMIT_SECONDS):
        return False
    _copy_and_cut(log)
    _mark(began, now)
    _remove_old(log, now)
    return True


def _copy_and_cut(log: Path) -> None:
    draft = log.with_name(f"{log.name}.new")
    try:
        with (
            log.open("rb") as source,
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE), "wb") as copy,
        ):
            shutil.copyfileobj(source, copy, 1024 * 1024)
            copy.flush()
            shutil.copyfileobj(source, copy)  # lines written during the first copy
            copy.flush()
            os.truncate(log, 0)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    for number in range(RETAINED_FILES - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            _old(log, number).replace(_old(log, number + 1))
    draft.replace(_old(log, 1))


def _remove_old(log: Path, now: float) -> None:
    for number in range(1, RETAINED_FILES + 1):
        with contextlib.suppress(FileNotFoundError):
            if now - _old(log, number).stat().st_mtime > RETAINED_SECONDS:
                _old(log, number).unlink()


def _old(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def _mark_of(log: Path) -> Path:
    """Empty marker file whose mtime is the start of the log; the log's own mtime changes with each line."""
    return log.with_name(f".{log.name}.began")


def _mark(file: Path, now: float) -> None:
    file.touch(mode=_PRIVATE)
    os.utime(file, (now, now))


class LogRotation:
    """Thread that rotates every `*.log` of the folders until stopped."""

    def __init__(self, folders: Sequence[Path], *, on_failure: Callable[[str], None] = lambda _sentence: None) -> None:
        self._folders = folders
        self._on_failure = on_failure
        self._failed: set[Path] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fairlead-logs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            for log in [log for folder in self._folders for log in folder.glob("*.log")]:
                self._rotate(log)

    def _rotate(self, log: Path) -> None:
        try:
            rotate_if_due(log)
            self._failed.discard(log)
        except OSError as error:
            if log not in self._failed:  # logged once, not every two seconds
                self._failed.add(log)
                self._on_failure(f"{log} cannot be rotated: {error.strerror}.")
