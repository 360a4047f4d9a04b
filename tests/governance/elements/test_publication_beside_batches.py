"""Publication of a contract and a batch of observations are serialized."""

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import STOCK
from controlplane.provisioning import NewConnection, connect
from foundation.clock import utc_now
from governance.elements.publish_contract import publish_contract
from governance.elements.repository import share_contracts
from tests.connectors.running import RunningSandbox
from tests.policy.approving import someone_waits_for
from tests.support.client_env import ClientEnv


async def until_waiting(session: AsyncSession, other: "asyncio.Task[None]") -> None:
    """Wait until `other` waits for a lock of `session`, or has ended."""
    async with asyncio.timeout(60):
        while not other.done() and not await someone_waits_for(session):  # noqa: ASYNC110 - PostgreSQL has no event for waiting locks
            await asyncio.sleep(0.01)


async def publish(env: ClientEnv, session: AsyncSession, source: object) -> None:
    await publish_contract(
        session, element=STOCK, source_connection_id=source, owner="Warehouse", now=utc_now(),  # type: ignore[arg-type]
        propagation_slo=timedelta(minutes=1), correction_slo=timedelta(hours=2),
    )  # fmt: skip


async def other_erp(env: ClientEnv, sandbox: RunningSandbox) -> object:
    new = NewConnection(
        "sandbox-erp", "Warehouse", sandbox.add("sandbox-erp"), secrets={"webhook_secret": "whsec_AAAA"}
    )
    return await connect(env.services, env.scope, new)


async def test_a_batch_that_begins_during_a_publication_is_decided_by_the_new_contract(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    warehouse = await other_erp(env, sandbox)
    await env.deliver(env.change("SKU-001", STOCK, 5))
    async with env.services.db.transaction(env.scope) as session:
        await publish(env, session, warehouse)
        batch = asyncio.create_task(env.work(settle=0.5))
        await until_waiting(session, batch)
        assert not batch.done()
    await batch
    assert await env.rows("SELECT count(*) FROM change WHERE element = :e", e=STOCK) == [(0,)]
    assert await env.rows("SELECT code FROM governance_exception WHERE state = 'open'") == [("channel.drift",)]


async def test_a_publication_waits_for_the_batches_before_it_and_not_for_another_clients(
    env: ClientEnv, other_env: ClientEnv, sandbox: RunningSandbox
) -> None:
    warehouse = await other_erp(env, sandbox)

    async def publish_alone() -> None:
        async with env.services.db.transaction(env.scope) as session:
            await publish(env, session, warehouse)

    async with other_env.services.db.transaction(other_env.scope) as beside:
        await share_contracts(beside)
        async with env.services.db.transaction(env.scope) as session:
            await share_contracts(session)
            publication = asyncio.create_task(publish_alone())
            await until_waiting(session, publication)
            assert not publication.done()
        await publication
