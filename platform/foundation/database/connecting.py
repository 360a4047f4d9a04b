"""Database connections that detect a server that disappeared silently: a half-open link, a vanished host.

The kernel's default timeouts are hours. Its keep-alives detect a vanished host within seconds; a peer that keeps the
connection alive without responding (a proxy, a stopped server) is detected by `round_trip_timeout`.
"""

import contextlib
import select
from functools import cached_property
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_loads

from foundation.database.settings import with_settings

RV = TypeVar("RV")
_LINK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_POLL_SECONDS = 0.1


class PatientConnection(psycopg.AsyncConnection[Any]):
    round_trip_timeout: float | None = None

    @property
    def hung_up(self) -> bool:
        """Whether the server has closed the connection, perhaps hours ago. Valid only between transactions, when the
        server has nothing else to send.
        """
        return self.closed or bool(self._line.poll(0))

    @cached_property
    def _line(self) -> "select.poll":
        line = select.poll()
        line.register(self.fileno(), select.POLLIN)
        return line

    async def wait(self, gen: PQGen[RV], interval: float = _POLL_SECONDS, timeout: float | None = None) -> RV:  # noqa: ASYNC109 - psycopg's signature
        patience = self.round_trip_timeout if timeout is None else timeout
        try:
            return await super().wait(gen, interval, patience)
        except psycopg.OperationalError:
            if timeout is None and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # its later work or responses are irrelevant
                raise psycopg.OperationalError(f"the database gave no answer within {patience} s") from None
            raise


C = TypeVar("C", bound=PatientConnection)


async def connect_to_database(conninfo: str, *, round_trip_timeout: float | None, **options: Any) -> PatientConnection:
    """Open an autocommitting connection. After `round_trip_timeout` seconds without a response to one round trip, the
    connection is closed and OperationalError raised.

    None is for callers with long statements, which are bounded otherwise. Keep-alives and timeouts set in `conninfo`
    take precedence.
    """
    return await connect_as(
        PatientConnection, conninfo, round_trip_timeout=round_trip_timeout, autocommit=True, **options
    )


async def connect_as(kind: type[C], conninfo: str, *, round_trip_timeout: float | None, **options: Any) -> C:
    """As `connect_to_database`, with a connection class of the caller's, which manages its own transactions."""
    link = {name: value for name, value in _LINK.items() if name not in conninfo_to_dict(conninfo)}
    connection = await kind.connect(with_settings(conninfo), **link, **options)
    connection.round_trip_timeout = round_trip_timeout
    set_json_loads(msgspec.json.decode, connection)  # an eighth of the time of the standard library's
    return connection


class ReconnectingConnection:
    """The single, reusable connection of one task. A restart of the server is invisible to the caller."""

    def __init__(self, conninfo: str, *, round_trip_timeout: float, **options: Any) -> None:
        """Arguments as for `connect_to_database`."""
        self._conninfo = conninfo
        self._round_trip_timeout = round_trip_timeout
        self._options = options
        self._connection: PatientConnection | None = None

    async def get(self) -> PatientConnection:
        """The connection; reconnects when there is none, or the server closed it.

        Raises:
            psycopg.OperationalError: the database is unreachable.
        """
        if self._connection is not None and self._connection.hung_up:
            await self.close()
        if self._connection is None:
            self._connection = await connect_to_database(
                self._conninfo, round_trip_timeout=self._round_trip_timeout, **self._options
            )
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
        self._connection = None
