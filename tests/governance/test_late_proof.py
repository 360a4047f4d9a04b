"""A clock may run out while the value is on its way; the proof that follows must still correct what it opened."""

import asyncio

from sqlalchemy import text

from canonical.elements import STOCK
from connectors.sandbox.faults import Faults
from controlplane.jobs import build_jobs
from foundation.lanes.worker import LaneWorker
from governance.clocks import breach_clocks
from governance.kinds import ingest_lane, push_lane
from tests.connectors.running import RunningSandbox
from tests.support.world import World


async def test_a_clock_that_runs_out_during_the_push_is_corrected_by_the_proof(
    world: World, sandbox: RunningSandbox
) -> None:
    services, scope = world.services, world.scope
    worker = LaneWorker(services.db, services.ring, build_jobs(services), pool="shared", metrics=services.lane_metrics)
    async with services.db.transaction(scope) as session:
        await session.execute(text("UPDATE element_contract SET propagation_slo_ms = 200"))
    sandbox.break_(world.urls["shop0"], Faults(latency_seconds=3.0))
    await world.deliver(world.change("SKU-001", STOCK, 7))
    await worker.run_lane(scope.msp_id, scope.tenant_id, ingest_lane(world.erp))
    push = asyncio.create_task(worker.run_lane(scope.msp_id, scope.tenant_id, push_lane(world.channels["shop0"])))
    async with services.db.transaction(scope) as session:
        await session.execute(
            text("SELECT pg_sleep(extract(epoch FROM max(slo_due_at) - clock_timestamp())) FROM propagation")
        )
    async with services.db.transaction(scope) as session:
        assert await breach_clocks(session, services.governance) == 2
    assert not push.done(), "the clock should run out while the shop is being written to"
    await push
    sandbox.mend(world.urls["shop0"])
    await world.work(settle=1.0)
    found = await world.rows("SELECT code, state, settled_by FROM governance_exception")
    assert found == [("propagation.late", "resolved", "corrected")] * 2
