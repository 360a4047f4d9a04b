"""Transactions under a scope: the only path to the application's tables.

A transaction starts with one message that opens it and sets its scope, sent before its first statement. Without a scope
the settings are empty and every policy hides all rows.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, LiteralString, cast
from uuid import UUID

import structlog
from psycopg.rows import namedtuple_row
from sqlalchemy import AdaptedConnection, Connection, PoolProxiedConnection, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from foundation.database.connecting import connect_as
from foundation.database.dialect import ADDRESS, STATEMENTS
from foundation.database.pool import ConnectingAtCheckout
from foundation.database.roles import FLEET
from foundation.database.scoped import NO_SCOPE, ScopedConnection, begin_sql, scope_sql
from foundation.database.session_state import StateTrackingCursor
from foundation.scope import Scope

_log = structlog.get_logger(__name__)

Hints = dict[tuple[UUID, UUID], set[str]]
"""Lanes with new jobs, per (msp_id, tenant_id)."""

WakeLanes = Callable[[Hints], Awaitable[None]]

KEYED_LOOKUPS = "SET enable_seqscan = off; SET enable_memoize = off"
"""For connections that look up a batch's rows by their keys. A plan made while a table was small would scan all of it,
and is cached until the table is analysed again. The keys of a batch differ, so memoizing their rows costs more than it
saves: a fifth of the look-up of a push's values.
"""


class Database:
    """A connection pool of one role. `wake_lanes` is called with the lanes that have new jobs once a transaction is
    durable.
    """

    def __init__(  # noqa: PLR0913 - options that differ between processes
        self,
        conninfo: str,
        *,
        wake_lanes: WakeLanes | None = None,
        pool_size: int = 10,
        application_name: str = "fairlead",
        planning: LiteralString = "",
        round_trip_timeout: float | None = None,
    ) -> None:
        """`planning` is executed on each new connection, e.g. `KEYED_LOOKUPS`; `round_trip_timeout` as in
        `connect_to_database`.
        """
        self._wake_lanes = wake_lanes

        async def connect() -> ScopedConnection:
            connection = await connect_as(
                ScopedConnection,
                conninfo,
                round_trip_timeout=round_trip_timeout,
                prepare_threshold=3,
                application_name=application_name,
                cursor_factory=StateTrackingCursor,
            )
            if planning:
                await connection.execute(planning)
                await connection.commit()
                connection.keeps_state = False  # for each borrower
            return connection

        self._engine: AsyncEngine = create_async_engine(
            ADDRESS,
            async_creator=connect,
            poolclass=ConnectingAtCheckout,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            pool_use_lifo=True,
            use_native_hstore=False,  # the schema does not use the type, so it is not looked up
            execution_options={"compiled_cache": STATEMENTS},
        )
        event.listen(self._engine.sync_engine, "checkout", _notice_hangup)
        event.listen(self._engine.sync_engine, "checkin", _reset_at_checkin)

    @property
    def engine(self) -> AsyncEngine:
        return self._engine

    @asynccontextmanager
    async def transaction(self, scope: Scope | None, *, host: str | None = None) -> AsyncIterator[AsyncSession]:
        """Commit when the block ends, roll back when it raises. Lanes are woken only after a successful commit."""
        info: dict[str, Any] = {"scope": scope, "host": host, "hints": {}, "buffers": {}}
        session = AsyncSession(self._engine, sync_session_class=ScopedSession, expire_on_commit=False, info=info)
        try:
            yield session
            await _flush(session)
            await session.commit()
        except BaseException:
            await session.__aexit__(*sys.exc_info())  # rolls back to completion, also when cancelled
            raise
        # The session holds no connection any more. Its own exit would create a task: a twentieth of a small
        # transaction.
        session.sync_session.close()
        hints: Hints = session.info["hints"]
        if hints and self._wake_lanes is not None:
            await self._wake_lanes(hints)

    async def discard_connections(self) -> None:
        """Discard the pool's connections after one did not respond; connections in use are left to their borrowers."""
        await self._engine.dispose(close=False)

    async def call(self, statement: LiteralString, parameters: Sequence[Any]) -> Any:
        """The single row of a statement that is its own transaction, in one round trip.

        Only for functions that set their scope themselves: none is set here, so tables show no rows.

        Raises:
            psycopg.Error: the statement failed; its connection is discarded.
        """
        pooled = await self._engine.raw_connection()
        try:
            connection = _scoped(pooled)
            connection.opening = None
            cursor = connection.cursor(row_factory=namedtuple_row)
            row = await (await cursor.execute(statement, parameters)).fetchone()
        except BaseException:
            await greenlet_spawn(pooled.invalidate)
            raise
        await greenlet_spawn(pooled.close)
        return row

    async def close(self) -> None:
        await self._engine.dispose()


@asynccontextmanager
async def later_transaction(session: AsyncSession, scope: Scope) -> AsyncIterator[AsyncSession]:
    """A further transaction on the pool of `session`, which has ended. For reading only: nothing is committed."""
    info: dict[str, Any] = {"scope": scope, "host": session.info["host"], "hints": {}, "buffers": {}}
    later = AsyncSession(session.bind, sync_session_class=ScopedSession, expire_on_commit=False, info=info)
    async with later:
        yield later


class ScopedSession(Session):
    """A session whose transactions are opened under `info["scope"]`."""


@event.listens_for(ScopedSession, "after_begin")
def _prepare_scope(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    # A session event: with an engine event, SQLAlchemy checks for listeners at every step of each statement.
    if not transaction.nested:
        _scoped(connection.connection).opening = begin_sql(session.info["scope"], session.info["host"])


def _notice_hangup(connection: AdaptedConnection, _record: object, _pooled: object) -> None:
    """Replace a connection that the server closed between two transactions, so that the next one does not fail. No
    round trip.
    """
    if cast("ScopedConnection", connection.driver_connection).hung_up:
        raise InvalidatePoolError("the server hung up")


def _reset_at_checkin(adapted: AdaptedConnection | None, record: ConnectionPoolEntry) -> None:
    """Return the connection to the pool without a scope; discard it when its session state has changed."""
    if adapted is None:
        return
    connection = cast("ScopedConnection", adapted.driver_connection)
    connection.opening = NO_SCOPE
    if connection.keeps_state:
        _log.warning(
            "database.session_changed", hint="A statement changed its session. Use SET LOCAL and pg_advisory_xact_lock."
        )
        record.invalidate()


def _scoped(pooled: PoolProxiedConnection) -> ScopedConnection:
    return cast("ScopedConnection", pooled.driver_connection)


Flush = Callable[[AsyncSession, list[Any]], Awaitable[None]]


def buffer(session: AsyncSession, flush: Flush, *, last: bool = False) -> list[Any]:
    """The session's list for `flush`, which runs once, just before the commit.

    `last` is for locks that other transactions wait for (the audit chain's head), so that they are held briefly.
    """
    buffers: dict[tuple[bool, Flush], list[Any]] = session.info["buffers"]
    return buffers.setdefault((last, flush), [])


async def _flush(session: AsyncSession) -> None:
    buffers: dict[tuple[bool, Flush], list[Any]] = session.info["buffers"]
    for (_, flush), entries in sorted(buffers.items(), key=lambda item: item[0][0]):
        if entries:
            await flush(session, entries)
            entries.clear()


async def write_in(session: AsyncSession, scope: Scope) -> None:
    """Switch the rest of the transaction to `scope`, after flushing the buffered writes in theirs."""
    await _flush(session)
    await change_scope(session, scope)


async def change_scope(session: AsyncSession, scope: Scope) -> None:
    """Switch the rest of the transaction to `scope`. For the web layer, which determines the caller and the tenant in
    steps, for closing a wholesale period by the operator, which is recorded in the MSP account's audit chain, and for
    reading the members of a client and of its MSP.

    Rows loaded before are expired, so that no row of one scope is served from the session's cache in another.

    Raises:
        RuntimeError: writes are buffered for the commit; they belong to the scope in which they were buffered.
    """
    before = scope_of(session)
    if any(session.info["buffers"].values()):
        raise RuntimeError("the scope changes before the first effect, or not at all")
    role = f"SET LOCAL ROLE {FLEET if scope.fleet else 'NONE'};" if scope.fleet != before.fleet else ""
    if role or replace(scope, actor=before.actor) != before:
        connection = await session.connection()
        await connection.exec_driver_sql(f"{scope_sql(scope)} {role}")
        _scoped(await connection.get_raw_connection()).opening = begin_sql(scope, session.info["host"])
    session.expunge_all()
    session.info["scope"] = scope


def scope_of(session: AsyncSession) -> Scope:
    """The scope the session's transaction was opened with.

    Raises:
        RuntimeError: the transaction has none, so it may not access tenants' rows at all.
    """
    scope = session.info.get("scope")
    if not isinstance(scope, Scope):
        raise RuntimeError("this transaction has no scope")  # noqa: TRY004 - a missing scope is a bug, not a type
    return scope
