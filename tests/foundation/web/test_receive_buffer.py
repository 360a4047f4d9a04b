"""Receive buffer of connections: bounded, so that a flood is refused before all of it is read."""

import socket

from foundation.web.connections import bound_receive_buffer


def test_accepted_connections_inherit_the_bounded_receive_buffer() -> None:
    with socket.socket() as listening:
        bound_receive_buffer(listening, size=32 * 1024)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            # Linux doubles the size for its own bookkeeping; the default is 128 KiB, growing to megabytes.
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 64 * 1024
