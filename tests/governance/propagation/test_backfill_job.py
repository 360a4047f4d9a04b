"""A paused channel gets no values; after its resumption it gets exactly the missed values, once."""

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from connectors.connections import set_connection_state
from connectors.sandbox.faults import Faults
from connectors.states import ConnectionState
from foundation.clock import utc_now
from governance.propagation import backfill_job
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import approve_all, seed
from tests.support.as_owner import delete_as_owner, update_as_owner
from tests.support.client_env import ClientEnv

SETTLED = "SELECT NOT EXISTS (SELECT FROM propagation WHERE state IN ('pending', 'accepted'))"
_PASSED = {
    "change": ("proposed_at", "decided_at"),
    "approval": ("decided_at", "used_at"),
    "connection": ("paused_at", "missing_since"),
}
_SHOP = "SELECT element, minor(value), state FROM propagation WHERE connection_id = :shop ORDER BY element, version"


async def turn(env: ClientEnv, channel: str, state: str) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await set_connection_state(session, env.channels[channel], state=ConnectionState(state), now=utc_now())
    await env.work(until=SETTLED)


def shown(env: ClientEnv, sandbox: RunningSandbox, channel: str, sku: str, field: str) -> int:
    log = sandbox.effects(env.urls[channel])["log"]
    assert isinstance(log, list)
    return int([effect["amount"] for effect in log if (effect["sku"], effect["field"]) == (sku, field)][-1])


async def test_a_resumed_channel_gets_missed_values_with_a_new_clock(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    shop = env.channels["shop0"]
    before = await env.rows(_SHOP, shop=shop)
    await turn(env, "shop0", "paused")
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    await env.deliver(
        env.change("SKU-001", PRICE, 10_200), env.change("SKU-001", COST, 5_100), env.change("SKU-002", STOCK, 9)
    )
    await env.work(until=SETTLED)
    assert await env.rows(_SHOP, shop=shop) == before, "nothing goes to a paused channel"
    update_as_owner(env, "change", "committed_at = committed_at - interval '3 days'")
    resumed_at = utc_now()
    await turn(env, "shop0", "active")
    missed = [(PRICE, 10_200, "verified"), (STOCK, 9, "verified")]
    assert await env.rows(_SHOP, shop=shop) == sorted([*before, *missed]), "the newest of each, and no cost"
    assert shown(env, sandbox, "shop0", "SKU-001", "price") == 10_200
    late = "SELECT count(*) FROM propagation WHERE connection_id = :shop AND slo_due_at > :at AND breached"
    assert await env.rows(late, shop=shop, at=resumed_at) == [(0,)]
    assert await env.rows("SELECT code FROM governance_exception WHERE state = 'open'") == []

    await turn(env, "shop0", "paused")
    await turn(env, "shop0", "active")
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms'"))
    await env.work(until=SETTLED)
    assert await env.rows(_SHOP, shop=shop) == sorted([*before, *missed]), "nothing twice"
    assert await env.rows("SELECT count(*) FROM job") == [(0,)]


async def test_values_approved_during_the_pause_are_sent_too(env: ClientEnv) -> None:
    await seed(env)
    shop = env.channels["shop0"]
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    update_as_owner(env, "change", "proposed_at = proposed_at - interval '1 day'")
    await turn(env, "shop0", "paused")
    for _ in range(2):  # the approval that was requested before the pause is for two channels
        await approve_all(env)
        await env.work(until=SETTLED)
    assert await env.rows("SELECT state FROM change WHERE minor(new_value) = 12000") == [("released",)]
    await turn(env, "shop0", "active")
    assert (PRICE, 12_000, "verified") in await env.rows(_SHOP, shop=shop)


async def test_a_value_released_before_the_pause_is_not_sent_again(env: ClientEnv) -> None:
    """A value that a channel lacked before its pause is not part of the backfill."""
    await seed(env)
    shop = env.channels["shop0"]
    delete_as_owner(env, "propagation", "connection_id = %(shop)s", shop=shop)
    day = "- interval '1 day'"
    update_as_owner(env, "change", f"proposed_at = proposed_at {day}, decided_at = decided_at {day}")
    update_as_owner(env, "approval", f"decided_at = decided_at {day}, used_at = used_at {day}")
    await turn(env, "shop0", "paused")
    await turn(env, "shop0", "active")
    assert await env.rows(_SHOP, shop=shop) == []


async def test_many_are_sent_a_batch_at_a_time(env: ClientEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_job, "VALUES_A_TURN", 2)
    await turn(env, "shop0", "paused")
    await env.deliver(*(env.change(f"SKU-{n:03}", STOCK, n) for n in range(1, 8)))
    await env.work(until=SETTLED)
    await turn(env, "shop0", "active")
    assert len(await env.rows(_SHOP, shop=env.channels["shop0"])) == 7


async def test_a_source_that_is_resumed_and_another_client_get_nothing(env: ClientEnv, other_env: ClientEnv) -> None:
    await seed(env)
    everything = await env.rows("SELECT * FROM propagation ORDER BY change_id, connection_id")
    for state in ("paused", "active"):
        async with env.services.db.transaction(env.scope) as session:
            await set_connection_state(session, env.erp, state=ConnectionState(state), now=utc_now())
        await env.work(until=SETTLED)
    assert await env.rows("SELECT * FROM propagation ORDER BY change_id, connection_id") == everything
    assert await other_env.rows("SELECT lane FROM job") == []


async def set_state(env: ClientEnv, channel: str, state: str) -> None:
    """Set the state without running jobs afterwards, as when all workers are busy."""
    async with env.services.db.transaction(env.scope) as session:
        await set_connection_state(session, env.channels[channel], state=ConnectionState(state), now=utc_now())


def pass_an_hour(env: ClientEnv) -> None:
    """Make all earlier events an hour older."""
    for table, columns in _PASSED.items():
        update_as_owner(env, table, ", ".join(f"{column} = {column} - interval '1 hour'" for column in columns))
    for path in ("{data,since}", "{since}"):  # of the event, and of its subscriber's job
        since = "CAST(payload #>> CAST(%(path)s AS text[]) AS timestamptz)"
        earlier = f"jsonb_set(payload, CAST(%(path)s AS text[]), to_jsonb({since} - interval '1 hour'))"
        update_as_owner(env, "job", f"payload = {earlier}", where=f"{since} IS NOT NULL", path=path)


@pytest.mark.parametrize("looked", [False, True])
async def test_a_channel_paused_again_before_its_backfill_ended_misses_nothing(env: ClientEnv, *, looked: bool) -> None:
    await seed(env)
    await turn(env, "shop0", "paused")
    await env.deliver(env.change("SKU-001", PRICE, 10_100), env.change("SKU-002", STOCK, 9))
    await env.work(until=SETTLED)
    pass_an_hour(env)
    for _ in range(2):
        await set_state(env, "shop0", "active")
        await set_state(env, "shop0", "paused")
        if looked:
            await env.work(until=SETTLED)
        pass_an_hour(env)
    await turn(env, "shop0", "active")
    found = await env.rows(_SHOP, shop=env.channels["shop0"])
    assert {(PRICE, 10_100, "verified"), (STOCK, 9, "verified")} <= set(found)


async def test_values_queued_before_the_pause_are_sent_after_it(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(server_error=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    await set_state(env, "shop0", "paused")
    sandbox.mend(env.urls["shop0"])
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp()"))
    await env.work()
    assert shown(env, sandbox, "shop0", "SKU-001", "price") == 10_000
    await turn(env, "shop0", "active")
    assert shown(env, sandbox, "shop0", "SKU-001", "price") == 10_100


async def test_a_finished_backfill_clears_its_start(env: ClientEnv) -> None:
    await turn(env, "shop0", "paused")
    await turn(env, "shop0", "active")
    missing = "SELECT missing_since IS NOT NULL FROM connection WHERE id = :shop"
    assert await env.rows(missing, shop=env.channels["shop0"]) == [(True,)]
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms'"))
    await env.work()
    assert await env.rows(missing, shop=env.channels["shop0"]) == [(False,)]
