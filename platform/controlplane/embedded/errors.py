from pathlib import Path
from typing import ClassVar

from foundation.errors import Unavailable
from foundation.marks import N_

TAIL_BYTES = 2_000


class EmbeddedServerFailed(Unavailable):
    code: ClassVar[str] = "embedded-server"
    title: ClassVar[str] = N_("An embedded server is not running")


def with_log_tail(sentence: str, log: Path) -> EmbeddedServerFailed:
    tail = log_tail(log)
    return EmbeddedServerFailed(f"{sentence}\nThe end of {log}:\n{tail}" if tail else f"{sentence} ({log} is empty.)")


def log_tail(log: Path, size: int = TAIL_BYTES) -> str:
    try:
        with log.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - size))
            return file.read().decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return ""
