"""A connection that opens each transaction under a scope.

Nothing is sent when a transaction is begun: psycopg begins it itself, when the first statement comes. Here the scope
goes in the same message as BEGIN, so that isolation costs neither a round trip nor a cursor.
"""

from functools import lru_cache
from typing import Final
from uuid import UUID

from psycopg import AsyncPipeline, generators
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

from foundation.database.connecting import PatientConnection
from foundation.database.roles import FLEET
from foundation.scope import Scope


def begin_sql(scope: Scope | None, host: str | None = None) -> bytes:
    """Open a transaction and set its scope. Statements end at semicolons, and nowhere else is one."""
    begin = _begin_sql(None, None, None) if scope is None else _begin_sql(*_whose(scope), fleet=scope.fleet)
    return begin + f"SET LOCAL app.host = '{_host(host)}';".encode() if host else begin


@lru_cache(maxsize=4096)  # to write three UUIDs takes longer than PostgreSQL takes to read them
def _begin_sql(*whose: UUID | None, fleet: bool = False) -> bytes:
    role = f"SET LOCAL ROLE {FLEET};" if fleet else ""
    return f"BEGIN; {_settings_sql(*whose)} {role}".encode()


def scope_sql(scope: Scope) -> str:
    """For a transaction that is open."""
    return _settings_sql(*_whose(scope))


def _whose(scope: Scope) -> tuple[UUID, UUID, UUID | None]:
    return scope.tenant_id, scope.msp_id, scope.partner_id


def _settings_sql(tenant_id: UUID | None, msp_id: UUID | None, partner_id: UUID | None) -> str:
    """Values are UUIDs, so nothing here can close a quote."""
    return (
        f"SET LOCAL app.tenant_id = '{tenant_id or ''}'; SET LOCAL app.msp_id = '{msp_id or ''}';"
        f" SET LOCAL app.partner_id = '{partner_id or ''}';"
    )


def _host(host: str) -> str:
    if not host.replace("-", "").replace(".", "").replace(":", "").isalnum() or not host.isascii():
        raise ValueError("a host name has letters, digits, dots, hyphens and a port")
    return host


NO_SCOPE: Final = begin_sql(None)


class ScopedConnection(PatientConnection):
    """`opening` is sent before a statement that comes while no transaction is open.

    It stays until somebody else borrows the connection, who has no scope unless it is given. None is for one statement
    that is its own transaction.
    """

    opening: bytes | None = NO_SCOPE
    keeps_state = False
    """A statement changed the session beyond its transaction, see `session_state`."""

    def _start_query(self) -> PQGen[None]:
        # Each statement passes here first. psycopg's own method sends BEGIN and takes one result; should a later
        # version no longer ask this one, transactions have no scope: they show nothing, and many tests fail.
        if self.opening is None or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return
        if self._pipeline:
            yield from self._open_in_pipeline(self._pipeline, self.opening)
            return
        self.pgconn.send_query(self.opening)
        results = yield from generators.execute(self.pgconn)
        if results[-1].status != ExecStatus.COMMAND_OK:  # what fails ends the message, so it comes last
            error = error_from_result(results[-1], encoding=self.info.encoding)
            error.add_note("It is the opening of the transaction that failed; the statement was not sent.")
            raise error

    def _open_in_pipeline(self, pipeline: AsyncPipeline, opening: bytes) -> PQGen[None]:
        """With `executemany`: a pipeline takes statements one by one."""
        for statement in filter(bytes.strip, opening.split(b";")):
            yield from self._exec_command(statement)
        yield from pipeline._sync_gen()  # noqa: SLF001 - as psycopg's own BEGIN in a pipeline
