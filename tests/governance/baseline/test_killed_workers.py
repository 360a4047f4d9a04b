"""Workers killed during reading and acceptance of a baseline: nothing is lost, and nothing is done twice."""

import asyncio
import random
from contextlib import suppress

import pytest
from sqlalchemy import text

from controlplane.jobs import build_jobs
from controlplane.services import Services
from foundation.audit.chain import verify_chain
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.jobs.worker import LaneWorker
from governance.baseline.start import start_baseline
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.governance.baseline.clients import accept, counts, member_scope, set_in_erp, set_in_shop
from tests.support.client_env import ClientEnv, build_client_env

SKUS, SMALL, LARGE, CHEAP = 700, 40, 20, 10


async def run_killing_workers(env: ClientEnv, draw: random.Random, *, while_: str) -> int:
    """Run batches, every other of which is killed, until the baseline has left the state. Returns the number killed.

    No batch is killed twice in a row, because a job that repeatedly crashes its worker is dead-lettered. A killed
    worker's lease is released at once, so that leases can be long: on a busy machine a short one expires during normal
    work.
    """
    services, scope, died = env.services, env.scope, 0
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics, lease=60
    )
    spared: set[str] = set()
    async with asyncio.timeout(150):
        while await env.rows("SELECT 1 FROM baseline WHERE state = :s", s=while_):
            async with env.relay_db.transaction(None) as session:
                due = await session.execute(text("SELECT * FROM lanes_due()"))
                lanes = [row.name for row in due if row.tenant_id == scope.tenant_id]
            for lane in lanes:
                turn = asyncio.create_task(worker.run_lane(scope.msp_id, scope.tenant_id, lane))
                patience = None if lane in spared else draw.uniform(0.0, 0.05)
                spared ^= {lane}
                done, _ = await asyncio.wait([turn], timeout=patience)
                if not done:
                    turn.cancel()
                    died += 1
                    with suppress(asyncio.CancelledError):
                        await turn
                    async with services.db.transaction(scope) as session:
                        await session.execute(text("UPDATE lane SET lease_until = clock_timestamp()"))
            await asyncio.sleep(0.02)
    return died


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_workers_lose_nothing_and_do_nothing_twice(
    services: Services, relay_db: Database, urls: Urls, sandbox: RunningSandbox, seed: int
) -> None:
    env = await build_client_env(services, relay_db, urls.intake, sandbox, skus=SKUS)
    draw = random.Random(seed)
    small, large, cheap = SMALL, SMALL + LARGE, SMALL + LARGE + CHEAP
    set_in_erp(env, **{f"SKU_{n:03}": 400 for n in range(large, cheap)})
    shop = {f"SKU_{n:03}": (10 + n) * (98 if n < small else 80) for n in range(large)}
    set_in_shop(env, version=3, **shop)
    async with services.db.transaction(member_scope(env)) as session:
        baseline = await start_baseline(session, services.governance, now=utc_now())
    died = await run_killing_workers(env, draw, while_="reading")
    assert await env.rows("SELECT count(*) FROM baseline_item WHERE value IS NOT NULL") == [(3 * SKUS,)]
    read = "SELECT equal + differs, equal, source_only + channel_only FROM baseline_part WHERE role = 'channel'"
    assert sorted(await env.rows(read)) == sorted([(2 * SKUS, 2 * SKUS - cheap, 0), (2 * SKUS, 2 * SKUS - CHEAP, 0)])
    await accept(env, baseline)
    died += await run_killing_workers(env, draw, while_="accepting")
    assert died, "the test should have killed something"
    await env.work(until="SELECT count(*) = 0 FROM propagation WHERE state <> 'verified'")
    made = await counts(env, baseline)
    assert made == {
        "state": "accepted", "accepted": 3 * SKUS - cheap, "proven": 4 * SKUS - cheap - CHEAP, "automatic": small,
        "awaiting": LARGE, "refused": CHEAP, "overtaken": 0,
    }  # fmt: skip
    states = "SELECT state, count(*), count(DISTINCT record_key) FROM change GROUP BY state ORDER BY state"
    assert await env.rows(states) == [
        ("awaiting_approval", LARGE, LARGE), ("refused", CHEAP, CHEAP), ("released", small, small),
    ]  # fmt: skip
    effects = sandbox.effects(env.urls["shop0"])
    assert (effects["repeated"], effects["effects"]) == ({}, large + small)
    assert await env.rows("SELECT count(*) FROM usage_event") == [(small,)]
    assert await env.rows("SELECT count(*) FROM audit_entry WHERE action = 'baseline.accepted'") == [(1,)]
    async with services.db.transaction(env.scope) as session:
        assert (await verify_chain(session)).broken_at is None
    await env.close()
