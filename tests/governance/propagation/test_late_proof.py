"""A delivery target may pass while the value is being sent; the verification afterwards must resolve the exception."""

import asyncio
from urllib.parse import urlsplit

from sqlalchemy import text

from canonical.elements import STOCK
from connectors.translation.job_type import ingest_lane
from controlplane.jobs import build_jobs
from foundation.jobs.worker import LaneWorker
from governance.job_types import push_lane
from governance.slo.breach_job import breach_slos
from tests.connectors.running import RunningSandbox
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv
from tests.support.faulty_link import WELL, Trouble, faulty_link


async def test_a_clock_that_runs_out_during_the_push_is_corrected_by_the_proof(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    services, scope, shop = env.services, env.scope, env.channels["shop0"]
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics, lease=60
    )
    there = urlsplit(sandbox.base_url)
    with faulty_link((there.hostname or "", there.port or 0)) as link:
        async with services.db.transaction(scope) as session:
            await session.execute(text("UPDATE element_contract SET propagation_slo_ms = 200"))
        linked = env.urls["shop0"].replace(f":{there.port}/", f":{link.port}/")
        update_as_owner(env, "connection", "base_url = %(url)s", where="id = %(shop)s", url=linked, shop=shop)
        await env.deliver(env.change("SKU-001", STOCK, 7))
        await worker.run_lane(scope.msp_id, scope.tenant_id, ingest_lane(env.erp))
        link.set_fault(Trouble(blackhole=True))
        push = asyncio.create_task(worker.run_lane(scope.msp_id, scope.tenant_id, push_lane(shop)))
        while not link.connections:  # noqa: ASYNC110 - the link has no event for it
            await asyncio.sleep(0.01)
        async with services.db.transaction(scope) as session:
            await session.execute(
                text("SELECT pg_sleep(extract(epoch FROM max(slo_due_at) - clock_timestamp())) FROM propagation")
            )
        async with services.db.transaction(scope) as session:
            assert await breach_slos(session, services.governance) == 2
        assert not push.done(), "the clock should run out while the shop is being written to"
        link.set_fault(WELL)
        await push
        await env.work(settle=20.0)
    found = await env.rows("SELECT code, state, closed_by FROM governance_exception")
    assert found == [("propagation.slo_breached", "resolved", "corrected")] * 2
