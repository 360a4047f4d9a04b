"""A paused channel gets nothing; resumed, it gets what it missed, once, and only that."""

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


async def turn(world: ClientEnv, channel: str, state: str) -> None:
    async with world.services.db.transaction(world.scope) as session:
        await set_connection_state(session, world.channels[channel], state=ConnectionState(state), now=utc_now())
    await world.work(until=SETTLED)


def shown(world: ClientEnv, sandbox: RunningSandbox, channel: str, sku: str, field: str) -> int:
    log = sandbox.effects(world.urls[channel])["log"]
    assert isinstance(log, list)
    return int([effect["amount"] for effect in log if (effect["sku"], effect["field"]) == (sku, field)][-1])


async def test_a_resumed_channel_gets_what_it_missed_with_a_clock_from_then(
    world: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(world)
    shop = world.channels["shop0"]
    before = await world.rows(_SHOP, shop=shop)
    await turn(world, "shop0", "paused")
    await world.deliver(world.change("SKU-001", PRICE, 10_100))
    await world.work()
    await world.deliver(
        world.change("SKU-001", PRICE, 10_200), world.change("SKU-001", COST, 5_100), world.change("SKU-002", STOCK, 9)
    )
    await world.work(until=SETTLED)
    assert await world.rows(_SHOP, shop=shop) == before, "nothing goes to a paused channel"
    update_as_owner(world, "change", "committed_at = committed_at - interval '3 days'")
    resumed_at = utc_now()
    await turn(world, "shop0", "active")
    missed = [(PRICE, 10_200, "verified"), (STOCK, 9, "verified")]
    assert await world.rows(_SHOP, shop=shop) == sorted([*before, *missed]), "the newest of each, and no cost"
    assert shown(world, sandbox, "shop0", "SKU-001", "price") == 10_200
    late = "SELECT count(*) FROM propagation WHERE connection_id = :shop AND slo_due_at > :at AND breached"
    assert await world.rows(late, shop=shop, at=resumed_at) == [(0,)]
    assert await world.rows("SELECT code FROM governance_exception WHERE state = 'open'") == []

    await turn(world, "shop0", "paused")
    await turn(world, "shop0", "active")
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms'"))
    await world.work(until=SETTLED)
    assert await world.rows(_SHOP, shop=shop) == sorted([*before, *missed]), "nothing twice"
    assert await world.rows("SELECT count(*) FROM job") == [(0,)]


async def test_what_was_approved_during_the_pause_counts_too(world: ClientEnv) -> None:
    await seed(world)
    shop = world.channels["shop0"]
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    update_as_owner(world, "change", "proposed_at = proposed_at - interval '1 day'")
    await turn(world, "shop0", "paused")
    for _ in range(2):  # what was asked before the pause was asked for two channels
        await approve_all(world)
        await world.work(until=SETTLED)
    assert await world.rows("SELECT state FROM change WHERE minor(new_value) = 12000") == [("released",)]
    await turn(world, "shop0", "active")
    assert (PRICE, 12_000, "verified") in await world.rows(_SHOP, shop=shop)


async def test_a_value_released_before_the_pause_is_not_sent_again(world: ClientEnv) -> None:
    """Somebody else's matter: what a channel never got before it paused stays as it was."""
    await seed(world)
    shop = world.channels["shop0"]
    delete_as_owner(world, "propagation", "connection_id = %(shop)s", shop=shop)
    day = "- interval '1 day'"
    update_as_owner(world, "change", f"proposed_at = proposed_at {day}, decided_at = decided_at {day}")
    update_as_owner(world, "approval", f"decided_at = decided_at {day}, used_at = used_at {day}")
    await turn(world, "shop0", "paused")
    await turn(world, "shop0", "active")
    assert await world.rows(_SHOP, shop=shop) == []


async def test_many_are_sent_a_turn_at_a_time(world: ClientEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_job, "VALUES_A_TURN", 2)
    await turn(world, "shop0", "paused")
    await world.deliver(*(world.change(f"SKU-{n:03}", STOCK, n) for n in range(1, 8)))
    await world.work(until=SETTLED)
    await turn(world, "shop0", "active")
    assert len(await world.rows(_SHOP, shop=world.channels["shop0"])) == 7


async def test_a_source_that_is_resumed_and_another_client_get_nothing(
    world: ClientEnv, other_world: ClientEnv
) -> None:
    await seed(world)
    everything = await world.rows("SELECT * FROM propagation ORDER BY change_id, connection_id")
    for state in ("paused", "active"):
        async with world.services.db.transaction(world.scope) as session:
            await set_connection_state(session, world.erp, state=ConnectionState(state), now=utc_now())
        await world.work(until=SETTLED)
    assert await world.rows("SELECT * FROM propagation ORDER BY change_id, connection_id") == everything
    assert await other_world.rows("SELECT lane FROM job") == []


async def set_state(world: ClientEnv, channel: str, state: str) -> None:
    """Without any work after it, as when the workers are busy or away."""
    async with world.services.db.transaction(world.scope) as session:
        await set_connection_state(session, world.channels[channel], state=ConnectionState(state), now=utc_now())


def pass_an_hour(world: ClientEnv) -> None:
    """By which what happened so far is older."""
    for table, columns in _PASSED.items():
        update_as_owner(world, table, ", ".join(f"{column} = {column} - interval '1 hour'" for column in columns))
    for path in ("{data,since}", "{since}"):  # of the event, and of its subscriber's job
        since = "CAST(payload #>> CAST(%(path)s AS text[]) AS timestamptz)"
        earlier = f"jsonb_set(payload, CAST(%(path)s AS text[]), to_jsonb({since} - interval '1 hour'))"
        update_as_owner(world, "job", f"payload = {earlier}", where=f"{since} IS NOT NULL", path=path)


@pytest.mark.parametrize("looked", [False, True])
async def test_a2_a_channel_paused_again_before_it_was_caught_up_misses_nothing(
    world: ClientEnv, *, looked: bool
) -> None:
    await seed(world)
    await turn(world, "shop0", "paused")
    await world.deliver(world.change("SKU-001", PRICE, 10_100), world.change("SKU-002", STOCK, 9))
    await world.work(until=SETTLED)
    pass_an_hour(world)
    for _ in range(2):
        await set_state(world, "shop0", "active")
        await set_state(world, "shop0", "paused")
        if looked:
            await world.work(until=SETTLED)
        pass_an_hour(world)
    await turn(world, "shop0", "active")
    found = await world.rows(_SHOP, shop=world.channels["shop0"])
    assert {(PRICE, 10_100, "verified"), (STOCK, 9, "verified")} <= set(found)


async def test_u3_what_was_queued_before_the_pause_is_sent_after_it(world: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(world)
    sandbox.break_(world.urls["shop0"], Faults(server_error=1.0))
    await world.deliver(world.change("SKU-001", PRICE, 10_100))
    await world.work()
    await set_state(world, "shop0", "paused")
    sandbox.mend(world.urls["shop0"])
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp()"))
    await world.work()
    assert shown(world, sandbox, "shop0", "SKU-001", "price") == 10_000
    await turn(world, "shop0", "active")
    assert shown(world, sandbox, "shop0", "SKU-001", "price") == 10_100


async def test_a2_a_catch_up_that_is_done_forgets_since_when_values_were_missing(world: ClientEnv) -> None:
    await turn(world, "shop0", "paused")
    await turn(world, "shop0", "active")
    missing = "SELECT missing_since IS NOT NULL FROM connection WHERE id = :shop"
    assert await world.rows(missing, shop=world.channels["shop0"]) == [(True,)]
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() - interval '1 ms'"))
    await world.work()
    assert await world.rows(missing, shop=world.channels["shop0"]) == [(False,)]
