"""The usage ledger: written in the effect's own transaction, once, and never changed."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from foundation.usage.ledger import Usage, record_usage

AT = datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)


def use(meter: str = "sync", *, id_: UUID | None = None, quantity: int = 1, subject_id: UUID | None = None) -> Usage:
    return Usage(meter, id_ or new_id(), quantity, AT, subject_id)


async def record(db: Database, scope: Scope, *uses: Usage) -> None:
    async with db.transaction(scope) as session:
        record_usage(session, uses)


async def ledger(db: Database, scope: Scope) -> Counter[Usage]:
    async with db.transaction(scope) as session:
        rows = await session.execute(
            text(
                "SELECT meter, id, quantity, occurred_at, subject_id, is_reversal FROM usage_event WHERE tenant_id = :t"
            ),
            {"t": scope.tenant_id},
        )
        return Counter(Usage(**row) for row in rows.mappings())


async def test_recorded_events_are_stored_exactly(db: Database, scope: Scope) -> None:
    uses = [use(), use("read", quantity=7), use("sync", quantity=2**60), use(subject_id=new_id())]
    await record(db, scope, *uses)

    assert await ledger(db, scope) == Counter(tuple(each) for each in uses)


async def test_recording_again_counts_once_in_any_batch(db: Database, scope: Scope) -> None:
    first, second = use(), use()
    await record(db, scope, first, first, second)
    await record(db, scope, second, first)

    assert await ledger(db, scope) == Counter([tuple(first), tuple(second)])


async def test_a_repeat_with_another_quantity_does_not_change_the_event(db: Database, scope: Scope) -> None:
    first = use(quantity=1)
    await record(db, scope, first)
    await record(db, scope, first._replace(quantity=99))

    assert await ledger(db, scope) == Counter([tuple(first)])


async def test_meters_count_the_same_thing_separately(db: Database, scope: Scope) -> None:
    id_ = new_id()
    await record(db, scope, use("sync", id_=id_), use("read", id_=id_))

    assert len(await ledger(db, scope)) == 2


async def test_the_same_use_recorded_at_the_same_time_counts_once(db: Database, scope: Scope) -> None:
    uses = [use() for _ in range(10)]
    await asyncio.gather(*(record(db, scope, *uses) for _ in range(8)))

    assert await ledger(db, scope) == Counter(tuple(each) for each in uses)


async def test_an_undone_effect_is_not_metered(db: Database, scope: Scope) -> None:
    async def fail() -> None:
        async with db.transaction(scope) as session:
            record_usage(session, [use()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not await ledger(db, scope)


async def test_a_failing_ledger_undoes_the_effect(db: Database, scope: Scope) -> None:
    """An effect that cannot be metered is rolled back."""
    broken = Usage("sync", new_id(), None, AT)  # type: ignore[arg-type]

    async def attempt() -> None:
        async with db.transaction(scope) as session:
            await session.execute(
                text("INSERT INTO lane (tenant_id, msp_id, name) VALUES (:t, :m, 'effect')"),
                {"t": scope.tenant_id, "m": scope.msp_id},
            )
            record_usage(session, [broken])

    with pytest.raises(IntegrityError):
        await attempt()
    async with db.transaction(scope) as session:
        found = await session.execute(text("SELECT 1 FROM lane WHERE tenant_id = :t"), {"t": scope.tenant_id})
        assert found.one_or_none() is None


@pytest.mark.parametrize("other", ["other_scope", "sibling_scope"])
async def test_tenants_see_only_their_own_and_may_share_ids(
    db: Database, scope: Scope, other: str, request: pytest.FixtureRequest
) -> None:
    second: Scope = request.getfixturevalue(other)
    shared = use()
    await record(db, scope, shared, use())
    await record(db, second, shared)

    assert len(await ledger(db, scope)) == 2
    assert await ledger(db, second) == Counter([tuple(shared)])


@pytest.mark.parametrize(
    "statement", ["UPDATE usage_event SET quantity = 0", "DELETE FROM usage_event", "TRUNCATE usage_event"]
)
async def test_the_application_can_only_append(db: Database, scope: Scope, statement: str) -> None:
    await record(db, scope, use())

    async def attempt() -> None:
        async with db.transaction(scope) as session:
            await session.execute(text(statement))

    with pytest.raises(ProgrammingError, match="permission denied"):
        await attempt()
    assert len(await ledger(db, scope)) == 1
