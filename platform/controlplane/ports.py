"""Loopback ports, reserved for a server that is about to start and never replaced by another port."""

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from foundation.errors import Unavailable
from foundation.marks import N_

WAIT_SECONDS = 15.0
"""Time limit for a former owner of the port to end."""
_POLL_SECONDS = 0.1
_LISTENING = "0A"


class PortTaken(Unavailable):
    code: ClassVar[str] = "port-taken"
    title: ClassVar[str] = N_("The port is in use")


@contextmanager
def held_port(preferred: int = 0, *, seconds: float = WAIT_SECONDS) -> Iterator[int]:
    """Reserve a loopback port until the block ends. 0 is any free one.

    Servers that set SO_REUSEADDR, as ours do, may listen on the reserved port.

    Raises:
        PortTaken: another program still has it after `seconds`.
    """
    holder = _bind(preferred, seconds)
    with holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not before bind: would share the port
        yield int(holder.getsockname()[1])


def _bind(port: int, seconds: float) -> socket.socket:
    deadline = time.monotonic() + seconds
    while True:
        holder = socket.socket()
        # Closed connections of a just-ended server (TIME_WAIT) make a strict bind fail for a minute.
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
            time.sleep(_POLL_SECONDS)
        else:
            return holder


def _has_only_closing(port: int) -> bool:
    """Whether the kernel's entries for the port are connections only, without a listener."""
    states = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        states |= {fields[3] for fields in map(str.split, lines) if int(fields[1].rpartition(":")[2], 16) == port}
    return bool(states) and _LISTENING not in states
