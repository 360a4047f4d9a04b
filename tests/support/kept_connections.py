"""Server connections that outlive the pools of one test, for the pools of the next.

A new connection is a new process of the server, which reads the catalogue and plans every statement again, and the
pools of a test close their connections. Here the libpq connection stays open until the session ends, and each pool gets
a new connection object on it. A connection that a pool would not pass on to the next borrower is closed as usual.

Tests of a connection itself run in `new_connections`.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from select import POLLIN, poll
from typing import Any

from psycopg.abc import PQGenConn
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import ConnStatus, TransactionStatus

from foundation.database.connecting import PatientConnection

NAMES = ("fairlead", "fairlead intake", "fairlead intake addresses")
"""Application names whose connections are kept. Others belong to tests of a connection, or to workers."""
MOST = 10
"""Kept connections of one address; the server has a hundred in all."""


class _Finished:
    """Replacement for the libpq connection of a closed `PatientConnection`."""

    status = ConnStatus.BAD
    transaction_status = TransactionStatus.UNKNOWN


class KeptConnections:
    def __init__(self, urls: Collection[str]) -> None:
        self._places = frozenset((*_place(url)[:-1], name) for url in urls for name in NAMES)
        self._idle: dict[str, list[tuple[Any, Any]]] = {}

    def take(self, conninfo: str) -> tuple[Any, Any] | None:
        """A libpq connection and the record of its prepared statements."""
        idle = self._idle.get(conninfo, [])
        while idle and not _paused:
            pgconn, prepared = idle.pop()
            if _is_quiet(pgconn):
                return pgconn, prepared
            pgconn.finish()
        return None

    def keep(self, connection: PatientConnection, conninfo: str) -> bool:
        """Whether the connection is kept; `connection` itself is closed then."""
        idle = self._idle.setdefault(conninfo, [])
        is_plain = (
            connection._pipeline is None
            and not getattr(connection, "keeps_state", False)
            and _is_quiet(connection.pgconn)
        )
        if _paused or not is_plain or len(idle) >= MOST or _place(conninfo) not in self._places:
            return False
        idle.append((connection.pgconn, connection._prepared))
        connection.pgconn = _Finished()  # type: ignore[assignment]
        return True

    def finish(self) -> None:
        for idle in self._idle.values():
            for pgconn, _ in idle:
                pgconn.finish()
        self._idle.clear()


@lru_cache(256)
def _place(conninfo: str) -> tuple[str, ...]:
    known = conninfo_to_dict(conninfo)
    return tuple(str(known.get(name, "")) for name in ("host", "port", "dbname", "user", "application_name"))


def _is_quiet(pgconn: Any) -> bool:
    """Whether the connection is open, outside a transaction, and without unread messages, such as a termination."""
    if pgconn.status != ConnStatus.OK or pgconn.transaction_status != TransactionStatus.IDLE:
        return False
    line = poll()
    line.register(pgconn.socket, POLLIN)
    return not line.poll(0)


@contextmanager
def keeping_connections(urls: Collection[str]) -> Iterator[None]:
    """Keep connections to `urls` while the block runs."""
    kept = KeptConnections(urls)
    connect, close = PatientConnection._connect_gen.__func__, PatientConnection.close  # type: ignore[attr-defined]

    def connect_or_take(cls: type[PatientConnection], conninfo: str = "") -> PQGenConn[PatientConnection]:
        taken = kept.take(conninfo)
        if taken is None:
            opened: PatientConnection = yield from connect(cls, conninfo)
        else:
            opened = cls(taken[0])
            opened._prepared = taken[1]
        opened.kept_as = conninfo  # type: ignore[attr-defined]
        return opened

    async def keep_or_close(self: PatientConnection) -> None:
        if not self.closed and not kept.keep(self, getattr(self, "kept_as", "")):
            await close(self)

    PatientConnection._connect_gen = classmethod(connect_or_take)  # type: ignore[method-assign,assignment]
    PatientConnection.close = keep_or_close  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del PatientConnection._connect_gen
        del PatientConnection.close
        kept.finish()


_paused: list[None] = []
"""One element for each open block of `new_connections`."""


@contextmanager
def new_connections() -> Iterator[None]:
    """While the block runs, all connections are new, and none is kept."""
    _paused.append(None)
    try:
        yield
    finally:
        _paused.pop()
