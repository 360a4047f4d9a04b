"""Connections that notice when the server is gone without a word: a half-open link, a host that vanished.

The kernel's own patience is hours. Its keep-alives find a vanished host within seconds; what keeps a connection alive
and says nothing (a proxy, a stopped server) is found by the patience for one round trip.
"""

import contextlib
import select
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

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
        """Only between transactions, when the server has nothing to say but that it is gone, perhaps hours ago."""
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
                self.pgconn.finish()  # what it still does or answers is nothing to us
                raise psycopg.OperationalError(f"the database gave no answer within {patience} s") from None
            raise


C = TypeVar("C", bound=PatientConnection)


async def connect_to_database(conninfo: str, *, round_trip_timeout: float | None, **options: Any) -> PatientConnection:
    """`round_trip_timeout`: seconds for one round trip, after which the connection is closed and OperationalError
    raised.

    None is for those whose statements may take long, and who are bounded otherwise. What `conninfo` says itself about
    keep-alives and time-outs is heeded. Autocommit.
    """
    return await connect_as(
        PatientConnection, conninfo, round_trip_timeout=round_trip_timeout, autocommit=True, **options
    )


async def connect_as(kind: type[C], conninfo: str, *, round_trip_timeout: float | None, **options: Any) -> C:
    """As `connect_to_database`, to a connection that may do more; its transactions are its own matter."""
    link = {name: value for name, value in _LINK.items() if name not in conninfo_to_dict(conninfo)}
    connection = await kind.connect(with_settings(conninfo), **link, **options)
    connection.round_trip_timeout = round_trip_timeout
    return connection


class ReconnectingConnection:
    """The one connection of a task that comes back to it. Nobody who asks it for something hears of a restart."""

    def __init__(self, conninfo: str, *, round_trip_timeout: float, **options: Any) -> None:
        """As `connect_to_database`."""
        self._conninfo = conninfo
        self._round_trip_timeout = round_trip_timeout
        self._options = options
        self._connection: PatientConnection | None = None

    async def get(self) -> PatientConnection:
        """Connects when there is none, or the server hung up.

        Raises:
            psycopg.OperationalError: the database is away.
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
