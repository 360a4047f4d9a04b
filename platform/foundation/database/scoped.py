"""A connection that opens each transaction under a scope.

Nothing is sent when a transaction is begun: psycopg begins it itself, at the first statement. Here the scope is set in
the same message as BEGIN, so that isolation costs neither a round trip nor a cursor.
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
    """SQL that opens a transaction and sets its scope. Its only semicolons are the ends of statements."""
    begin = _begin_sql(None, None, None) if scope is None else _begin_sql(*_whose(scope), fleet=scope.fleet)
    return begin + f"SET LOCAL app.host = '{_host(host)}';".encode() if host else begin


@lru_cache(maxsize=4096)  # formatting three UUIDs takes longer than PostgreSQL takes to parse them
def _begin_sql(*whose: UUID | None, fleet: bool = False) -> bytes:
    role = f"SET LOCAL ROLE {FLEET};" if fleet else ""
    return f"BEGIN; {_settings_sql(*whose)} {role}".encode()


def scope_sql(scope: Scope) -> str:
    """SQL that sets the scope of an open transaction."""
    return _settings_sql(*_whose(scope))


def _whose(scope: Scope) -> tuple[UUID, UUID, UUID | None]:
    return scope.tenant_id, scope.msp_id, scope.partner_id


def _settings_sql(tenant_id: UUID | None, msp_id: UUID | None, partner_id: UUID | None) -> str:
    """SQL of the settings. Values are UUIDs, so none can close a quote."""
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
    """A connection that sends `opening` before a statement outside a transaction.

    The opening stays in effect until the next checkout, which has no scope unless one is given. None is for one
    statement that is its own transaction.
    """

    opening: bytes | None = NO_SCOPE
    keeps_state = False
    """Whether a statement changed the session beyond its transaction, see `session_state`."""

    def _start_query(self) -> PQGen[None]:
        # Each statement passes here first. psycopg's own method sends BEGIN and reads one result; should a later
        # version no longer call this method, transactions have no scope: they show no rows, and many tests fail.
        if self.opening is None or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return
        if self._pipeline:
            yield from self._open_in_pipeline(self._pipeline, self.opening)
            return
        self.pgconn.send_query(self.opening)
        results = yield from generators.execute(self.pgconn)
        if results[-1].status != ExecStatus.COMMAND_OK:  # a failed statement ends the message, so it is the last result
            error = error_from_result(results[-1], encoding=self.info.encoding)
            error.add_note("It is the opening of the transaction that failed; the statement was not sent.")
            raise error

    def _rollback_gen(self) -> PQGen[None]:
        # psycopg discards all prepared statements at a rollback, which may have undone the creation of objects that
        # they use. Here no transaction creates any, and refused requests are rolled back: the next ones on the
        # connection would be planned again. After an error the discard is right: a statement that waited in a
        # pipeline behind the error was never prepared.
        healthy = self.pgconn.transaction_status == TransactionStatus.INTRANS
        if not healthy or self._pipeline or self._num_transactions or self._tpc:
            yield from super()._rollback_gen()
            return
        yield from self._exec_command(b"ROLLBACK")

    def _open_in_pipeline(self, pipeline: AsyncPipeline, opening: bytes) -> PQGen[None]:
        """For `executemany`: a pipeline takes statements one by one."""
        for statement in filter(bytes.strip, opening.split(b";")):
            yield from self._exec_command(statement)
        yield from pipeline._sync_gen()  # noqa: SLF001 - as psycopg's own BEGIN in a pipeline
