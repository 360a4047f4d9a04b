"""Repeated reports of a source: nothing is decided twice, and exceptions about corrected values are closed."""

from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE
from governance.errors import NotAwaiting
from tests.governance.approvals.test_approval_binding import answer
from tests.governance.test_main_job import approve_all, seed
from tests.support.client_env import ClientEnv

EXCEPTIONS = "SELECT code, state FROM governance_exception ORDER BY opened_at"


async def waiting(env: ClientEnv) -> UUID:
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    return UUID(str(change_id))


async def test_a_pending_approval_of_the_same_value_is_unchanged(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    first = await waiting(env)
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    assert await waiting(env) == first
    await approve_all(env)
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work(settle=20.0)
    assert await env.rows("SELECT state, count(*) FROM change WHERE minor(new_value) = 12000 GROUP BY state") == [
        ("released", 1)
    ]
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(12_000,)]


async def test_with_other_facts_the_approval_is_reissued(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    first = await waiting(env)
    await env.deliver(env.change("SKU-001", COST, 5_100), env.change("SKU-001", PRICE, 12_000))
    await env.work()
    assert await waiting(env) != first
    assert await env.rows("SELECT state FROM approval WHERE subject_id = :id", id=first) == [("withdrawn",)]
    assert await env.rows("SELECT count(*) FROM audit_entry WHERE action = 'change.superseded'") == [(1,)]


async def test_withdrawing_a_refused_value_closes_its_exception(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 4_900))
    await env.work()
    assert await env.rows(EXCEPTIONS) == [("change.refused", "open")]
    await env.deliver(env.change("SKU-001", PRICE, 10_000))
    await env.work()
    assert await env.rows(EXCEPTIONS) == [("change.refused", "resolved")]


async def test_a_cost_that_arrives_after_its_price_reissues_the_approval(env: ClientEnv) -> None:
    """However the source's messages are divided into batches, there is one approval, based on all of them."""
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    first = await waiting(env)
    await env.deliver(env.change("SKU-001", COST, 5_000))
    await env.work()
    second = await waiting(env)
    assert second != first
    states = await env.rows("SELECT subject_id, state FROM approval ORDER BY created_at")
    assert states == [(first, "withdrawn"), (second, "pending")]
    with pytest.raises(NotAwaiting):
        await answer(env, first)
    await approve_all(env)
    await env.work(settle=20.0)
    assert await env.rows("SELECT minor(new_value), minor(cost_value) FROM change WHERE state = 'released'") == [
        (12_000, 5_000)
    ]
    assert await env.rows(EXCEPTIONS) == []


async def test_a_cost_above_the_pending_price_is_reported(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    await env.deliver(env.change("SKU-001", COST, 12_500))
    await env.work()
    assert await env.rows("SELECT count(*) FROM change WHERE state = 'awaiting_approval'") == [(0,)]
    assert await env.rows(EXCEPTIONS) == [("change.refused", "open")]


async def test_approving_again_closes_the_exception(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    await approve_all(env)
    async with env.services.db.transaction(env.scope) as session:  # before its release job runs
        await session.execute(
            text("UPDATE record_value SET value = jsonb_set(value, '{amount}', '\"51\"') WHERE element = 'price.cost'")
        )
    await env.work()
    assert await env.rows(EXCEPTIONS) == [("approval.stale", "open")]
    await approve_all(env)
    await env.work(settle=20.0)
    assert await env.rows(EXCEPTIONS) == [("approval.stale", "resolved")]


async def test_another_records_exception_stays_open(env: ClientEnv) -> None:
    await seed(env)
    await seed(env, "SKU-002")
    await env.deliver(env.change("SKU-001", PRICE, 4_900), env.change("SKU-002", PRICE, 4_900))
    await env.work()
    await env.deliver(env.change("SKU-001", PRICE, 10_000))
    await env.work()
    still = await env.rows("SELECT record_key FROM governance_exception WHERE state = 'open'")
    assert still == [("SKU-002",)]
