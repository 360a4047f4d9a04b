"""Ports on loopback: held for a server that is about to start, never exchanged for another one."""

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from foundation.errors import Unavailable

WAIT_SECONDS = 15.0
"""What a former owner of the port may take to end."""
_LOOK_SECONDS = 0.1
_LISTENING = "0A"


class PortTaken(Unavailable):
    code: ClassVar[str] = "port-taken"
    title: ClassVar[str] = "The port is taken"


@contextmanager
def held_port(preferred: int = 0, *, seconds: float = WAIT_SECONDS) -> Iterator[int]:
    """The port, on loopback; until the block ends the system gives it to nobody else. 0 is any free one.

    Servers that reuse addresses, as ours do, may listen on it meanwhile.

    Raises:
        PortTaken: another program still has it after `seconds`.
    """
    holder = _bind(preferred, seconds)
    with holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not before: it is not to share another's
        yield int(holder.getsockname()[1])


def free_port(preferred: int = 0) -> int:
    """`preferred` when it is free on loopback, else any."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")


def _bind(port: int, seconds: float) -> socket.socket:
    deadline = time.monotonic() + seconds
    while True:
        holder = socket.socket()
        # Closed connections of a server that just ended keep a strict bind from succeeding for a minute.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(_has_only_closing(port)))
        try:
            holder.bind(("127.0.0.1", port))
        except OSError as error:
            holder.close()
            if error.errno != errno.EADDRINUSE:
                raise PortTaken(f"Port {port} cannot be used: {error.strerror}. Choose another with --port.") from error
            if time.monotonic() > deadline:
                raise PortTaken(
                    f"Port {port} is taken by another program. End that program, or choose another port with --port."
                ) from None
            time.sleep(_LOOK_SECONDS)
        else:
            return holder


def _has_only_closing(port: int) -> bool:
    """Whether what the kernel still knows of the port are connections, without anybody listening."""
    states = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        states |= {fields[3] for fields in map(str.split, lines) if int(fields[1].rpartition(":")[2], 16) == port}
    return bool(states) and _LISTENING not in states
