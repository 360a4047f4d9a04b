"""Lock order: values before changes, changes before approvals, so that there are no deadlocks."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE
from canonical.keys import ElementKey
from foundation.clock import utc_now
from foundation.database.engine import KEYED_LOOKUPS
from governance.approvals.expiry_job import expire_waiting
from governance.approvals.release import answer_change, release_changes
from governance.changes.repository import load_awaiting, load_changes
from governance.changes.rollback import roll_back_change
from governance.propagation.repository import Settled, settle_propagations
from governance.records.repository import load_values
from policy.errors import ApprovalExpired
from tests.governance.test_main_job import approve_all, member_scope
from tests.support.client_env import ClientEnv

KEY = ElementKey("SKU-001", PRICE)
LONG_ENOUGH_TO_WAIT = 0.3


async def ask(env: ClientEnv) -> UUID:
    await env.deliver(env.change("SKU-001", COST, 5_000), env.change("SKU-001", PRICE, 10_000))
    await env.work()
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    return UUID(str(change_id))


async def test_a_release_and_a_newer_value_from_the_source(env: ClientEnv) -> None:
    change_id = await ask(env)

    async def release() -> None:
        async with env.services.db.transaction(env.scope) as session:
            await release_changes(session, env.services.governance, [change_id])

    async with env.services.db.transaction(env.scope) as session:
        await load_values(session, [KEY])
        releasing = asyncio.create_task(release())
        await asyncio.sleep(LONG_ENOUGH_TO_WAIT)
        assert list(await load_awaiting(session, [KEY], now=utc_now())) == [KEY]
    await releasing


async def test_a_rollback_and_a_release(env: ClientEnv) -> None:
    change_id = await ask(env)
    await approve_all(env)
    await env.work(settle=20.0)
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=20.0)
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10100")  # type: ignore[assignment]

    async def roll_back() -> None:
        async with env.services.db.transaction(member_scope(env)) as session:
            await roll_back_change(session, env.services.governance, change_id)

    async with env.services.db.transaction(env.scope) as session:
        await load_values(session, [KEY])
        rolling = asyncio.create_task(roll_back())
        await asyncio.sleep(LONG_ENOUGH_TO_WAIT)
        await load_changes(session, [change_id])
    await rolling


async def test_an_answer_and_the_clock_that_ends_it(env: ClientEnv) -> None:
    change_id = await ask(env)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE approval SET expires_at = now() - interval '1 second'"))

    expiring: list[asyncio.Task[None]] = []

    async def expire() -> None:
        async with env.services.db.transaction(env.scope) as session:
            await expire_waiting(session, env.services.governance)

    async def answer_late() -> None:
        async with env.services.db.transaction(member_scope(env)) as session:
            await load_changes(session, [change_id])
            expiring.append(asyncio.create_task(expire()))
            await asyncio.sleep(LONG_ENOUGH_TO_WAIT)
            await answer_change(session, change_id, grant=True, reason="fine", now=utc_now())

    with pytest.raises(ApprovalExpired):
        await answer_late()
    await expiring[0]
    assert await env.rows("SELECT state FROM change WHERE id = :id", id=change_id) == [("expired",)]


async def test_a_settlement_locks_in_the_order_of_the_changes_whatever_the_order_of_its_rows(env: ClientEnv) -> None:
    await env.deliver(
        *(env.change(sku, element, 10_000) for sku in ("SKU-001", "SKU-002") for element in (COST, PRICE))
    )
    await env.work()
    await approve_all(env)
    await env.work(settle=20.0)
    rows = await env.rows(
        "SELECT connection_id, change_id FROM propagation WHERE state = 'verified' ORDER BY connection_id, change_id"
    )
    (channel, first), (other, second) = ((UUID(str(row[0])), UUID(str(row[1]))) for row in rows[:2])
    assert channel == other
    now = utc_now()
    locked = text("SELECT 1 FROM propagation WHERE change_id = :id AND connection_id = :c FOR UPDATE NOWAIT")

    async def settle() -> None:
        async with env.services.db.transaction(env.scope) as session:
            for statement in KEYED_LOOKUPS.split("; "):  # planned by workers
                await session.execute(text(statement.replace("SET", "SET LOCAL")))
            settled = [Settled(id_, "verified", verified_at=now) for id_ in (second, first)]
            assert len(await settle_propagations(session, channel, settled, was="verified")) == 2

    async with env.services.db.transaction(env.scope) as session:
        await session.execute(locked, {"id": first, "c": channel})
        settling = asyncio.create_task(settle())
        await asyncio.sleep(LONG_ENOUGH_TO_WAIT)
        assert not settling.done()
        await session.execute(locked, {"id": second, "c": channel})  # so the settlement has not locked it yet
    await settling
