"""An approved value that waits for a channel while its data changes is delivered or reported; and replays."""

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


async def approved_while_shop_is_away(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    await approve_all(env)
    await env.work(settle=0.3)


async def replay(env: ClientEnv, code: str) -> None:
    found = await env.rows("SELECT id FROM governance_exception WHERE code = :code AND state = 'open'", code=code)
    for (exception_id,) in found:
        async with env.services.db.transaction(member_scope(env)) as session:
            await replay_exception(session, exception_id, now=utc_now())  # type: ignore[arg-type]


async def test_an_approved_value_arrives_although_the_source_repeats_it_meanwhile(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await approved_while_shop_is_away(env, sandbox)
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work(settle=0.3)
    sandbox.mend(env.urls["shop0"])
    await env.work(until=_DONE)
    assert await env.rows(_SHOWN) == [(12_000,), (12_000,)]
    assert await env.rows(_OPEN) == []


async def test_an_approved_value_is_redecided_after_a_small_change_of_cost(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await approved_while_shop_is_away(env, sandbox)
    await env.deliver(env.change("SKU-001", COST, 5_001))
    await env.work(settle=0.3)
    sandbox.mend(env.urls["shop0"])
    await env.work(until=_DONE)
    assert await env.rows(_SHOWN) == [(12_000,), (12_000,)]
    assert await env.rows(_OPEN) == []
    again = "SELECT targets, minor(cost_value), state FROM change WHERE minor(new_value) = 12000 ORDER BY version"
    assert await env.rows(again) == [(None, 5_000, "released"), ([env.channels["shop0"]], 5_001, "released")]


async def test_an_approved_value_that_policy_now_refuses_is_on_hold_with_an_exception(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await approved_while_shop_is_away(env, sandbox)
    await env.deliver(env.change("SKU-001", COST, 12_500))
    await env.work(settle=0.3)
    sandbox.mend(env.urls["shop0"])
    await env.work(until="SELECT count(*) > 0 FROM governance_exception WHERE code = 'approval.stale'")
    assert await env.rows("SELECT state FROM propagation WHERE minor(value) = 12000 ORDER BY state") == [
        ("stale_approval",), ("verified",),
    ]  # fmt: skip
    [found] = await env.exceptions("code = 'approval.stale'")
    assert "Policy now refuses it" in found.detail
    await env.deliver(env.change("SKU-001", COST, 5_000))
    await env.work()
    await replay(env, "approval.stale")
    await env.work(until=_DONE)
    assert await env.rows(_SHOWN) == [(12_000,), (12_000,)]
    assert await env.rows("SELECT DISTINCT state FROM governance_exception WHERE code = 'approval.stale'") == [
        ("resolved",)
    ]


async def test_each_held_channel_has_its_own_exception(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    for name in env.channels:
        sandbox.break_(env.urls[name], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 12_000))
    await env.work()
    await approve_all(env)
    await env.work(settle=0.3)
    await env.deliver(env.change("SKU-001", PRICE, 13_900))
    await env.work(settle=0.3)
    for name in env.channels:
        sandbox.mend(env.urls[name])
    await env.work(until="SELECT bool_or(true) AND count(*) = 2 FROM propagation WHERE state = 'stale_approval'")
    stale = "SELECT connection_id, state FROM governance_exception WHERE code = 'approval.stale'"
    assert sorted(await env.rows(stale)) == sorted((channel, "open") for channel in env.channels.values())
    await approve_all(env)
    await env.work(until=_DONE)
    assert {state for _, state in await env.rows(stale)} == {"resolved"}, "the newer value took its place"


async def test_a_refused_value_is_sent_again_by_its_replay(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """The product is not in the shop yet; a person creates it there and replays the value."""
    await env.deliver(env.change("SKU-030", STOCK, 7))
    await env.work(settle=20.0)
    states = "SELECT state FROM propagation WHERE record_key = 'SKU-030'"
    assert await env.rows(states) == [("refused",)] * 2
    before = await env.rows("SELECT sum(attempts) FROM propagation")
    await replay(env, "propagation.refused")
    assert await env.rows(states) == [("pending",)] * 2
    await env.work(settle=20.0)
    assert await env.rows("SELECT sum(attempts) FROM propagation") == [(before[0][0] + 2,)]  # type: ignore[operator]
    assert {code for (code,) in await env.rows(_OPEN)} == {"propagation.refused"}
    for name in ("shop0", "market1"):
        sandbox.enlarge(env.urls[name], f"sandbox-{name[:-1]}", skus=40)
    await replay(env, "propagation.refused")
    await env.work(until=_DONE)
    assert await env.rows(states) == [("verified",)] * 2
    assert await env.rows(_OPEN) == []


async def test_a_failed_value_is_sent_again_by_a_replay(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE propagation SET accepted_at = accepted_at - interval '5 hours'"))
    await env.work(until="SELECT bool_or(state = 'failed') FROM propagation")
    sandbox.mend(env.urls["shop0"])
    await replay(env, "propagation.failed")
    await env.work(until=_DONE)
    assert await env.rows(_SHOWN) == [(10_100,), (10_100,)]
    assert await env.rows(_OPEN) == []
