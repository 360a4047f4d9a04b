"""Subprocess for a suspect batch (`foundation.jobs.isolation`): both the parent and the child side."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

import msgspec
import structlog
import uvloop

from controlplane.embedded.processes import die_with_parent
from controlplane.services import Services, build_services
from foundation.database.engine import KEYED_LOOKUPS
from foundation.errors import InvalidInput
from foundation.jobs.isolation import BatchResult, IsolatedRun, IsolatedRunner, LeasedBatch
from foundation.jobs.registry import JobRegistry
from foundation.jobs.worker import LaneWorker
from foundation.settings import Settings
from foundation.telemetry.logging import configure_logging

OWN_TURN: Sequence[str] = (sys.executable, "-m", "controlplane", "worker", "--batch")
"""Command of the subprocess; the descriptor for its start signal is appended."""
_FINISHED, _UNFINISHED = 0, 75
_BEGUN = b"!"
_log = structlog.get_logger(__name__)


def isolated_runner(argv: Sequence[str]) -> IsolatedRunner:
    async def run_isolated(leased: LeasedBatch, seconds: float) -> IsolatedRun:
        status_fd, report_fd = os.pipe()
        os.set_blocking(status_fd, False)
        try:
            process = await asyncio.to_thread(_start, [*argv, str(report_fd)], report_fd)
            try:
                await asyncio.to_thread(_wait, process, msgspec.json.encode(leased), seconds)
            finally:  # also when the caller was cancelled because the lease was lost
                process.kill()
            return _ending(process.returncode, begun=_read(status_fd) == _BEGUN)
        finally:
            os.close(status_fd)
            os.close(report_fd)

    return run_isolated


def _start(argv: Sequence[str], report_fd: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=(report_fd,))  # noqa: S603 - our own command


def _wait(process: "subprocess.Popen[bytes]", data: bytes, seconds: float) -> None:
    try:
        process.communicate(data, timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _read(status_fd: int) -> bytes:
    try:
        return os.read(status_fd, 1)
    except BlockingIOError:
        return b""


def _ending(code: int, *, begun: bool) -> IsolatedRun:
    if code == _FINISHED and begun:
        return IsolatedRun(BatchResult.DONE)
    if code == _UNFINISHED or not begun:
        _log.warning("lane.apart_unfinished", exit_code=code, begun=begun)
        return IsolatedRun(BatchResult.UNFINISHED)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return IsolatedRun(BatchResult.DIED, how)


def run_batch(settings: Settings, *, report_fd: int, jobs: Callable[[Services], JobRegistry]) -> int:
    """The child side. Returns the exit code.

    Raises:
        InvalidInput: the subprocess was not started by a worker: the descriptor or the batch is missing.
    """
    die_with_parent(signal.SIGKILL)
    configure_logging(json=settings.log_json)
    try:
        os.fstat(report_fd)
        leased = msgspec.json.decode(sys.stdin.buffer.read(), type=LeasedBatch)
    except (OSError, OverflowError, ValueError):  # msgspec's errors are ValueErrors
        raise InvalidInput("This option is for workers, which start such a process themselves.") from None
    return _FINISHED if uvloop.run(_run_batch(settings, leased, report_fd, jobs)) else _UNFINISHED


async def _run_batch(
    settings: Settings, leased: LeasedBatch, report_fd: int, jobs: Callable[[Services], JobRegistry]
) -> bool:
    services = build_services(settings, pool_size=3, name="fairlead turn", planning=KEYED_LOOKUPS)
    worker = LaneWorker(services.db, services.ready_queue, jobs(services), pool="", metrics=services.lane_metrics)
    try:
        os.write(report_fd, _BEGUN)
        return await worker.run_batch(leased)
    finally:
        await services.close()
