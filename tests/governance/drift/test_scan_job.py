"""Drift scans: verified values are read again, late ones are verified, and uncorrected exceptions are escalated."""

from decimal import Decimal

from sqlalchemy import text

from canonical.elements import PRICE
from canonical.keys import ElementKey
from connectors.ports import ChannelWrite
from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.changes.echo_suppression import ECHO_WINDOW
from governance.changes.replay import replay_exception
from governance.changes.rollback import roll_back_change
from governance.drift import repository
from governance.job_types import ESCALATE_EXCEPTIONS, SCAN_DRIFT
from governance.propagation.repository import load_sent
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import member_scope, seed
from tests.support.client_env import ClientEnv
from tests.support.values import minor

_OPEN = "SELECT code FROM governance_exception WHERE state = 'open'"


async def fire(env: ClientEnv, name: str) -> None:
    """Make the timer due."""
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE timer SET due_at = clock_timestamp() WHERE name LIKE :name"), {"name": f"{name}%"}
        )
    await env.work(settle=0.3)


async def write_there(env: ClientEnv, channel: str, sku: str, amount: int) -> None:
    """Set the value on the channel itself, as its newest version."""
    async with env.services.db.transaction(env.scope) as session:
        opened = await env.services.governance.runtime.open(session, env.channels[channel])
    assert opened.connector.channel is not None
    await opened.connector.channel.push(
        opened.http, opened.config, [ChannelWrite(ElementKey(sku, PRICE), minor(amount, "USD"), 2**40, str(new_id()))]
    )


async def test_a_value_changed_on_the_channel_is_found_and_sent_again_by_its_replay(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    """The market was set up again, with other prices."""
    await seed(env)
    await fire(env, SCAN_DRIFT.name)
    assert await env.rows(_OPEN) == []
    sandbox.enlarge(env.urls["market1"], "sandbox-market", skus=20)
    for _ in range(2):
        await fire(env, SCAN_DRIFT.name)
        [found] = await env.exceptions("state = 'open'")
        assert found.code == "channel.drift"
        assert "the channel shows $11.00" in found.detail
    ((exception_id, seen),) = await env.rows("SELECT id, occurrences FROM governance_exception")
    assert seen == 2, "found each time, one exception"
    async with env.services.db.transaction(member_scope(env)) as session:
        await replay_exception(session, exception_id, now=utc_now())  # type: ignore[arg-type]
    await env.work(settle=3.0)
    assert await env.rows("SELECT count(*) FROM propagation WHERE minor(value) = 10000 AND state = 'verified'") == [
        (3,)
    ]
    await fire(env, SCAN_DRIFT.name)
    assert await env.rows("SELECT state, closed_by FROM governance_exception") == [("resolved", "corrected")]


async def test_a_failed_value_that_becomes_visible_stops_its_clock(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE propagation SET accepted_at = accepted_at - interval '5 hours'"))
    await env.work(until="SELECT bool_or(state = 'failed') FROM propagation")
    await fire(env, SCAN_DRIFT.name)
    assert [code for (code,) in await env.rows(_OPEN)] == ["propagation.failed"]
    sandbox.mend(env.urls["shop0"])
    await write_there(env, "shop0", "SKU-001", 10_100)
    await fire(env, SCAN_DRIFT.name)
    assert await env.rows("SELECT DISTINCT state FROM propagation WHERE minor(value) = 10100") == [("verified",)]
    assert await env.rows(_OPEN) == []


async def test_scans_reach_every_value_and_start_over(env: ClientEnv) -> None:
    for sku in ("SKU-001", "SKU-002", "SKU-003"):
        await seed(env, sku)
    shop, read = env.channels["shop0"], []
    for _ in range(5):
        async with env.services.db.transaction(env.scope) as session:
            kept = await repository.next_values(session, shop, limit=2)
            assert await repository.find_unchanged(session, shop, kept) == set(kept)
            await repository.save_cursor(session, shop, kept, limit=2)
        read.append([value.record_key for value in kept])
    assert read == [["SKU-001", "SKU-002"], ["SKU-003"]] * 2 + [["SKU-001", "SKU-002"]]


async def test_values_in_delivery_are_not_compared(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    shop = env.channels["shop0"]
    async with env.services.db.transaction(env.scope) as session:
        kept = await repository.next_values(session, shop, limit=10)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        assert len(kept) == 1
        assert await repository.find_unchanged(session, shop, kept) == set()


async def test_recently_sent_values_are_recorded_per_channel_for_a_time(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=20.0)
    key = ElementKey("SKU-001", PRICE)
    shop, nowhere = env.channels["shop0"], new_id()
    async with env.services.db.transaction(env.scope) as session:
        sent = await load_sent(session, {(shop, key), (nowhere, key)}, since=utc_now() - ECHO_WINDOW)
        later = await load_sent(session, {(shop, key)}, since=utc_now())
    assert sent == {(shop, key): {minor(10_000, "USD"), minor(10_100, "USD")}}
    assert later == {}


async def test_an_exception_that_is_not_corrected_in_time_weighs_more_once(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 4_900))
    await env.work()
    row = "SELECT severity, escalated_at IS NOT NULL FROM governance_exception"
    ((before, _),) = await env.rows(row)
    impact = "SELECT impact_amount, impact_currency FROM governance_exception"
    assert await env.rows(impact) == [(Decimal(51), "USD")]
    due = (
        f"SELECT due_at = correction_due_at FROM governance_exception, timer WHERE name = '{ESCALATE_EXCEPTIONS.name}'"
    )
    assert await env.rows(due) == [(True,)]
    await fire(env, ESCALATE_EXCEPTIONS.name)
    assert await env.rows(row) == [(before, False)], "not due yet"
    assert await env.rows(due) == [(True,)]
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE governance_exception SET correction_due_at = opened_at"))
    for _ in range(2):
        await fire(env, ESCALATE_EXCEPTIONS.name)
    assert await env.rows(row) == [(min(100, before + 20), True)]  # type: ignore[operator]
    notes = await env.rows("SELECT count(*) FROM audit_entry WHERE action = 'exception.escalated'")
    assert notes == [(1,)]


async def test_drift_after_a_rollback_on_one_channel_sends_the_rolled_back_value(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_100))
    await env.work(settle=20.0)
    market = env.channels["market1"]
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 10100")
    async with env.services.db.transaction(member_scope(env)) as session:
        await roll_back_change(session, env.services.governance, change_id, connection_id=market)  # type: ignore[arg-type]
    await env.work(settle=20.0)
    sandbox.enlarge(env.urls["market1"], "sandbox-market", skus=20)
    await fire(env, SCAN_DRIFT.name)
    ((exception_id,),) = await env.rows("SELECT id FROM governance_exception WHERE state = 'open'")
    async with env.services.db.transaction(member_scope(env)) as session:
        await replay_exception(session, exception_id, now=utc_now())  # type: ignore[arg-type]
    await env.work(settle=3.0)
    newest = "SELECT minor(value), state FROM propagation WHERE connection_id = :c ORDER BY version DESC LIMIT 1"
    assert await env.rows(newest, c=market) == [(10_000, "verified")]
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_100,)]
