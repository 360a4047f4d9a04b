"""A free port for a server that a test starts."""

import socket


def free_port(preferred: int = 0) -> int:
    """`preferred` when that port is free on loopback, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")
