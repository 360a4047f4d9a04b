"""What was approved and waits for a channel arrives although its data moved, or says why not; and replays work."""

from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from governance.changes.replay import replay_exception
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import approve_all, member_scope, seed
from tests.support.client_env import ClientEnv

_OPEN = "SELECT code FROM governance_exception WHERE state = 'open' ORDER BY opened_at"
_SHOWN = """
    SELECT minor(v.value) FROM channel_value v JOIN connection c ON c.id = v.connection_id
     WHERE v.element = 'price.list' ORDER BY c.name DESC
"""
_DONE = "SELECT bool_and(state IN ('verified', 'superseded')) FROM propagation"


async def approved_while_shop_is_away(world: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(world)
    sandbox.break_(world.urls["shop0"], Faults(outage=1.0))
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    await approve_all(world)
    await world.work(settle=0.3)


async def replay(world: ClientEnv, code: str) -> None:
    found = await world.rows("SELECT id FROM governance_exception WHERE code = :code AND state = 'open'", code=code)
    for (exception_id,) in found:
        async with world.services.db.transaction(member_scope(world)) as session:
            await replay_exception(session, exception_id, now=utc_now())  # type: ignore[arg-type]


async def test_an_approved_value_arrives_although_the_source_repeats_it_meanwhile(
    world: ClientEnv, sandbox: RunningSandbox
) -> None:
    await approved_while_shop_is_away(world, sandbox)
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work(settle=0.3)
    sandbox.mend(world.urls["shop0"])
    await world.work(until=_DONE)
    assert await world.rows(_SHOWN) == [(12_000,), (12_000,)]
    assert await world.rows(_OPEN) == []


async def test_an_approved_value_is_decided_anew_when_the_cost_moves_a_little(
    world: ClientEnv, sandbox: RunningSandbox
) -> None:
    await approved_while_shop_is_away(world, sandbox)
    await world.deliver(world.change("SKU-001", COST, 5_001))
    await world.work(settle=0.3)
    sandbox.mend(world.urls["shop0"])
    await world.work(until=_DONE)
    assert await world.rows(_SHOWN) == [(12_000,), (12_000,)]
    assert await world.rows(_OPEN) == []
    again = "SELECT targets, minor(cost_value), state FROM change WHERE minor(new_value) = 12000 ORDER BY version"
    assert await world.rows(again) == [(None, 5_000, "released"), ([world.channels["shop0"]], 5_001, "released")]


async def test_an_approved_value_that_policy_now_refuses_stays_held_and_says_so(
    world: ClientEnv, sandbox: RunningSandbox
) -> None:
    await approved_while_shop_is_away(world, sandbox)
    await world.deliver(world.change("SKU-001", COST, 12_500))
    await world.work(settle=0.3)
    sandbox.mend(world.urls["shop0"])
    await world.work(until="SELECT count(*) > 0 FROM governance_exception WHERE code = 'approval.stale'")
    assert await world.rows("SELECT state FROM propagation WHERE minor(value) = 12000 ORDER BY state") == [
        ("stale_approval",), ("verified",),
    ]  # fmt: skip
    [found] = await world.exceptions("code = 'approval.stale'")
    assert "Policy refuses it now" in found.detail
    await world.deliver(world.change("SKU-001", COST, 5_000))
    await world.work()
    await replay(world, "approval.stale")
    await world.work(until=_DONE)
    assert await world.rows(_SHOWN) == [(12_000,), (12_000,)]
    assert await world.rows("SELECT DISTINCT state FROM governance_exception WHERE code = 'approval.stale'") == [
        ("resolved",)
    ]


async def test_each_held_channel_has_its_own_exception(world: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(world)
    for name in world.channels:
        sandbox.break_(world.urls[name], Faults(outage=1.0))
    await world.deliver(world.change("SKU-001", PRICE, 12_000))
    await world.work()
    await approve_all(world)
    await world.work(settle=0.3)
    await world.deliver(world.change("SKU-001", PRICE, 13_900))
    await world.work(settle=0.3)
    for name in world.channels:
        sandbox.mend(world.urls[name])
    await world.work(until="SELECT bool_or(true) AND count(*) = 2 FROM propagation WHERE state = 'stale_approval'")
    stale = "SELECT connection_id, state FROM governance_exception WHERE code = 'approval.stale'"
    assert sorted(await world.rows(stale)) == sorted((channel, "open") for channel in world.channels.values())
    await approve_all(world)
    await world.work(until=_DONE)
    assert {state for _, state in await world.rows(stale)} == {"resolved"}, "the newer value took its place"


async def test_a_refused_value_is_sent_again_by_its_replay(world: ClientEnv, sandbox: RunningSandbox) -> None:
    """The product is not on the shop yet; someone makes it there, and has the value sent again."""
    await world.deliver(world.change("SKU-030", STOCK, 7))
    await world.work(settle=20.0)
    states = "SELECT state FROM propagation WHERE record_key = 'SKU-030'"
    assert await world.rows(states) == [("refused",)] * 2
    before = await world.rows("SELECT sum(attempts) FROM propagation")
    await replay(world, "propagation.refused")
    assert await world.rows(states) == [("pending",)] * 2
    await world.work(settle=20.0)
    assert await world.rows("SELECT sum(attempts) FROM propagation") == [(before[0][0] + 2,)]  # type: ignore[operator]
    assert {code for (code,) in await world.rows(_OPEN)} == {"propagation.refused"}
    for name in ("shop0", "market1"):
        sandbox.enlarge(world.urls[name], f"sandbox-{name[:-1]}", skus=40)
    await replay(world, "propagation.refused")
    await world.work(until=_DONE)
    assert await world.rows(states) == [("verified",)] * 2
    assert await world.rows(_OPEN) == []


async def test_a_value_given_up_is_sent_again_by_its_replay(world: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(world)
    sandbox.break_(world.urls["shop0"], Faults(discard=1.0))
    await world.deliver(world.change("SKU-001", PRICE, 10_100))
    await world.work()
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(text("UPDATE propagation SET accepted_at = accepted_at - interval '5 hours'"))
    await world.work(until="SELECT bool_or(state = 'failed') FROM propagation")
    sandbox.mend(world.urls["shop0"])
    await replay(world, "propagation.failed")
    await world.work(until=_DONE)
    assert await world.rows(_SHOWN) == [(10_100,), (10_100,)]
    assert await world.rows(_OPEN) == []
