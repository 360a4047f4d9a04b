"""Installation of the real systems, and its serialization between test processes."""

import fcntl
import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from connectors.sandbox.catalogue import STOCK_ON_HAND, cost_price, list_price, sku_of, title_of

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / "var" / "real"
GOODS = [
    {
        "sku": sku_of(index),
        "title": title_of(index),
        "price": str(list_price(index, "USD").to_decimal()),
        "cost": str(cost_price("USD").to_decimal()),
        "stock": STOCK_ON_HAND,
    }
    for index in range(20)
]


class RealSystemMissing(Exception):
    """A real system cannot be installed or started here. The tests fail; they are not skipped."""


def installed(name: str, inputs: Sequence[bytes], build: Callable[[Path], None]) -> Path:
    """The folder that `build` filled, once per state of `inputs`; a second call is instant. Safe between processes."""
    digest = hashlib.sha256(b"\0".join(inputs)).hexdigest()[:16]
    folder = CACHE / f"{name}-{digest}"
    stamp = folder / ".complete"
    if stamp.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / f".{name}.lock"):
        if stamp.exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)  # the rest of an interrupted build
        folder.mkdir()
        build(folder)
        stamp.touch()
    return folder


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    feed: bytes = b"",
    seconds: float = 900,
) -> None:
    """Run a step of an installation. Raises `RealSystemMissing` with `what` and the end of the step's output."""
    try:
        done = subprocess.run(command, cwd=cwd, env=env, input=feed, capture_output=True, timeout=seconds, check=False)
    except FileNotFoundError as problem:
        raise RealSystemMissing(f"{what}: {problem.filename} is not installed on this machine.") from problem
    except subprocess.TimeoutExpired as problem:
        raise RealSystemMissing(
            f"{what}: not done after {seconds:.0f} seconds. Is the registry reachable?"
        ) from problem
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace")[-1500:]
        raise RealSystemMissing(f"{what}: the step ended with {done.returncode}. Is the registry reachable?\n{said}")


def wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, seconds: float) -> None:
    """Raises `RealSystemMissing` with the end of the log when the process ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text("utf-8", "replace")[-1500:]
            raise RealSystemMissing(f"{log.stem} did not start:\n{said}")
        time.sleep(0.05)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
