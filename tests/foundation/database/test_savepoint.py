"""Savepoints: a refused part of a transaction has no effect, and the rest continues."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit, verify_chain
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.database.savepoint import savepoint
from foundation.jobs.enqueue import NewJob, enqueue, set_timer
from foundation.scope import Scope
from tests.support.jobs import job_type


async def act(session: AsyncSession, name: str) -> None:
    now = utc_now()
    append_audit(session, action=name, subject=name, data={}, at=now)
    enqueue(session, [NewJob("lane", job_type("test.none"), name)])
    await set_timer(session, name=name, lane="lane", job_type=job_type("test.none"), due_at=now)


async def refused(session: AsyncSession) -> None:
    async with savepoint(session):
        await act(session, "refused")
        raise LookupError


async def names(db: Database, scope: Scope) -> list[list[str]]:
    found = []
    async with db.transaction(scope) as session:
        for column, table in (("action", "audit_entry"), ("key", "job"), ("name", "timer")):
            rows = await session.execute(
                text(f"SELECT {column} FROM {table} WHERE tenant_id = :t ORDER BY 1"), {"t": scope.tenant_id}
            )
            found.append(list(rows.scalars()))
    return found


async def test_a_refusal_leaves_neither_rows_nor_buffered_writes(db: Database, scope: Scope) -> None:
    async with db.transaction(scope) as session:
        await act(session, "before")
        with pytest.raises(LookupError):
            await refused(session)
        async with savepoint(session):
            await act(session, "inside")
        await act(session, "later")
    assert await names(db, scope) == [["before", "inside", "later"]] * 3
    async with db.transaction(scope) as session:
        assert (await verify_chain(session)).broken_at is None


async def test_a_refusal_before_anything_else_leaves_nothing(db: Database, scope: Scope) -> None:
    async with db.transaction(scope) as session:
        with pytest.raises(LookupError):
            await refused(session)
    assert await names(db, scope) == [[], [], []]


async def test_a_failed_statement_inside_does_not_end_the_transaction(db: Database, scope: Scope) -> None:
    async with db.transaction(scope) as session:
        with pytest.raises(Exception, match="division by zero"):
            async with savepoint(session):
                await session.execute(text("SELECT 1 / 0"))
        await act(session, "later")
    assert await names(db, scope) == [["later"]] * 3
