"""Deletion of a discarded baseline's readings; the decision, the counts and every other baseline are kept."""

from uuid import UUID

from sqlalchemy import text

from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from governance.baseline.delete_readings_job import delete_some
from governance.baseline.start import discard_baseline, start_baseline
from tests.connectors.running import RunningSandbox
from tests.governance.baseline.clients import accept, member_scope, read, set_in_shop
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, WebApp

_LEFT = "SELECT (SELECT count(*) FROM baseline_item), (SELECT count(*) FROM baseline_reading)"


async def discard(env: ClientEnv, baseline_id: UUID) -> None:
    async with env.services.db.transaction(member_scope(env)) as session:
        await discard_baseline(session, baseline_id, now=utc_now())
    await env.work()


async def test_only_the_discarded_baselines_readings_are_deleted(env: ClientEnv, other_env: ClientEnv) -> None:
    theirs = await read(other_env)
    kept = await other_env.rows(_LEFT)
    first = await read(env)
    differing = "SELECT sum(equal), sum(differs) FROM baseline_part WHERE baseline_id = :b"
    totals = await env.rows(differing, b=first)
    second = await read(env)  # which replaces the first one
    await env.work()
    assert await env.rows("SELECT DISTINCT baseline_id FROM baseline_item") == [(second,)]
    assert await env.rows("SELECT DISTINCT baseline_id FROM baseline_reading") == [(second,)]
    assert await env.rows(differing, b=first) == totals
    await discard(env, second)
    assert await env.rows(_LEFT) == [(0, 0)]
    assert await env.rows("SELECT state, decided_by FROM baseline ORDER BY started_at") == [("discarded", "Nora")] * 2
    assert await env.rows("SELECT count(*) FROM job") == [(0,)]
    assert await other_env.rows(_LEFT) == kept
    async with env.services.db.transaction(env.scope) as session:
        assert not await delete_some(session, theirs, other_env.channels["shop0"])
    assert await other_env.rows(_LEFT) == kept


async def test_readings_are_deleted_in_batches(env: ClientEnv) -> None:
    baseline, shop = await read(env), env.channels["shop0"]
    kept = await env.rows(_LEFT)
    async with env.services.db.transaction(env.scope) as session:
        assert not await delete_some(session, baseline, shop)
        assert (await session.execute(text(_LEFT))).all() == kept
        await session.execute(text("UPDATE baseline SET state = 'discarded'"))
        turns = 1
        while await delete_some(session, baseline, shop, rows=7):
            turns += 1
        ((items, readings),) = (await session.execute(text(_LEFT))).all()
        others = await session.scalar(
            text("SELECT count(*) FROM baseline_reading WHERE connection_id <> :c"), {"c": shop}
        )
    assert turns > 2
    assert (items, readings) == (0, others)
    assert others


async def test_an_accepted_baselines_readings_are_not_deleted(env: ClientEnv) -> None:
    baseline = await read(env)
    kept = await env.rows(_LEFT)
    await accept(env, baseline)
    await env.work(settle=20.0)
    await discard(env, await read(env))
    assert await env.rows(_LEFT) == kept


async def test_a_system_that_never_answered_delays_nothing(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """Its job waits for a retry; the other systems' readings are deleted at once, and its own when the job ends."""
    sandbox.break_(env.urls["shop0"], Faults(server_error=1.0))
    async with env.services.db.transaction(member_scope(env)) as session:
        baseline = await start_baseline(session, env.services.governance, now=utc_now())
    await env.work()
    assert await env.rows("SELECT state FROM baseline") == [("reading",)]
    await discard(env, baseline)
    await env.work(until="SELECT count(*) = 0 FROM job")
    assert await env.rows(_LEFT) == [(0, 0)]


async def test_the_page_states_what_was_deleted(web_app: WebApp, env: ClientEnv, msp_setup: MspSetup) -> None:
    set_in_shop(env, version=7, SKU_001=1_060)
    baseline = await read(env)
    visit = await web_app.signed_in(msp_setup.host, msp_setup.admin)
    address = f"/clients/{msp_setup.slug}/baselines/{baseline}"
    assert "SKU-001" in (await visit.get(address)).text
    assert (await visit.post(f"{address}/discard")).status_code == 303
    page = (await visit.get(address)).text
    assert "The values that were read are deleted" in page
    assert "SKU-001" not in page, "not even while it is being forgotten"
    assert "Compared values" not in page
