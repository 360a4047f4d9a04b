"""A source says again what it said before: nothing is decided twice, and what was corrected is closed."""

from uuid import UUID

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE
from governance.errors import NotAwaiting
from tests.governance.approvals.test_approval_binding import answer
from tests.governance.test_main_job import approve_all, seed
from tests.support.client_env import ClientEnv

EXCEPTIONS = "SELECT code, state FROM governance_exception ORDER BY opened_at"


async def waiting(world: ClientEnv) -> UUID:
    ((change_id,),) = await world.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    return UUID(str(change_id))


async def test_a_pending_question_about_the_same_value_stands(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    first = await waiting(world)
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    assert await waiting(world) == first
    await approve_all(world)
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work(settle=20.0)
    assert await world.rows("SELECT state, count(*) FROM change WHERE minor(new_value) = 12000 GROUP BY state") == [
        ("released", 1)
    ]
    assert await world.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(12_000,)]


async def test_on_other_facts_the_question_is_asked_anew(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    first = await waiting(world)
    await world.deliver(world.change("SKU-001", COST, 5_100), world.change("SKU-001", PRICE, 12_000))
    await world.work()
    assert await waiting(world) != first
    assert await world.rows("SELECT state FROM approval WHERE subject_id = :id", id=first) == [("withdrawn",)]
    assert await world.rows("SELECT count(*) FROM audit_entry WHERE action = 'change.superseded'") == [(1,)]


async def test_a_refused_value_taken_back_closes_its_exception(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 4_900))
    await world.work()
    assert await world.rows(EXCEPTIONS) == [("change.refused", "open")]
    await world.deliver(world.change("SKU-001", PRICE, 10_000))
    await world.work()
    assert await world.rows(EXCEPTIONS) == [("change.refused", "resolved")]


async def test_a_cost_that_comes_after_its_price_puts_the_question_anew(world: ClientEnv) -> None:
    """Whatever turns the source's messages fall into, the approver answers once, on what is known by then."""
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    first = await waiting(world)
    await world.deliver(world.change("SKU-001", COST, 5_000))
    await world.work()
    second = await waiting(world)
    assert second != first
    states = await world.rows("SELECT subject_id, state FROM approval ORDER BY created_at")
    assert states == [(first, "withdrawn"), (second, "pending")]
    with pytest.raises(NotAwaiting):
        await answer(world, first)
    await approve_all(world)
    await world.work(settle=20.0)
    assert await world.rows("SELECT minor(new_value), minor(cost_value) FROM change WHERE state = 'released'") == [
        (12_000, 5_000)
    ]
    assert await world.rows(EXCEPTIONS) == []


async def test_a_cost_above_the_price_that_waits_is_told(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    await world.deliver(world.change("SKU-001", COST, 12_500))
    await world.work()
    assert await world.rows("SELECT count(*) FROM change WHERE state = 'awaiting_approval'") == [(0,)]
    assert await world.rows(EXCEPTIONS) == [("change.refused", "open")]


async def test_what_was_approved_again_closes_its_exception(world: ClientEnv) -> None:
    await seed(world)
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    await approve_all(world)
    async with world.services.db.transaction(world.scope) as session:  # before its release is carried out
        await session.execute(
            text("UPDATE record_value SET value = jsonb_set(value, '{amount}', '\"51\"') WHERE element = 'price.cost'")
        )
    await world.work()
    assert await world.rows(EXCEPTIONS) == [("approval.stale", "open")]
    await approve_all(world)
    await world.work(settle=20.0)
    assert await world.rows(EXCEPTIONS) == [("approval.stale", "resolved")]


async def test_another_records_exception_stays_open(world: ClientEnv) -> None:
    await seed(world)
    await seed(world, "SKU-002")
    await world.deliver(world.change("SKU-001", PRICE, 4_900), world.change("SKU-002", PRICE, 4_900))
    await world.work()
    await world.deliver(world.change("SKU-001", PRICE, 10_000))
    await world.work()
    still = await world.rows("SELECT record_key FROM governance_exception WHERE state = 'open'")
    assert still == [("SKU-002",)]
