"""The writer of a web process: a failed group does not prevent the next one."""

import asyncio
from contextlib import suppress

import pytest

from connectors.translation.job_type import TRANSLATE
from connectors.webhooks.receive import HookReceiver
from connectors.webhooks.writer import Delivery, IntakeWriter, Stored
from foundation.clock import utc_now
from foundation.database.engine import Hints
from foundation.errors import Unavailable
from foundation.ids import new_id
from tests.conftest import Urls
from tests.support.client_env import ClientEnv
from tests.support.servers import Servers


async def test_a_failing_wakeup_does_not_stop_the_writer(env: ClientEnv, urls: Urls) -> None:
    rung = 0

    async def crack(_: Hints) -> None:
        nonlocal rung
        rung += 1
        raise RuntimeError("the bell is cracked")

    writer = IntakeWriter(urls.intake, job_type=TRANSLATE, wake_lanes=crack)
    env.receiver = HookReceiver(env.directory, writer, env.services.registry, new_id)
    writer.start()
    async with asyncio.timeout(60):
        for amount in (1, 2, 3):
            assert await env.deliver(env.change("SKU-001", "stock.on_hand", amount)) is Stored.NEW
    await writer.stop()
    assert rung >= 1


async def test_a_group_that_cannot_be_encoded_fails_and_the_next_is_written(env: ClientEnv) -> None:
    """A lone surrogate is text in Python only."""
    unspeakable = Delivery(
        id=new_id(), msp_id=env.scope.msp_id, tenant_id=env.scope.tenant_id, connection_id=env.erp,
        dedupe_key="\ud800", body_hash=bytes(32), body=b"{}", content_type="application/json", via="webhook",
        received_at=utc_now(), correlation="test",
    )  # fmt: skip
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable, match="could not be stored"):
            await env.writer.store(unspeakable)
        assert await env.deliver(env.change("SKU-001", "stock.on_hand", 2)) is Stored.NEW


async def test_a_lost_cancellation_does_not_prevent_stopping(env: ClientEnv, urls: Urls) -> None:
    ringing = asyncio.Event()

    async def swallow(_: Hints) -> None:
        ringing.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

    writer = IntakeWriter(urls.intake, job_type=TRANSLATE, wake_lanes=swallow)
    env.receiver = HookReceiver(env.directory, writer, env.services.registry, new_id)
    writer.start()
    await env.deliver(env.change("SKU-001", "stock.on_hand", 1))
    await ringing.wait()
    async with asyncio.timeout(60):
        await writer.stop()


async def test_deliveries_succeed_across_a_database_restart(env: ClientEnv, servers: Servers) -> None:
    assert await env.deliver(env.change("SKU-001", "stock.on_hand", 1)) is Stored.NEW
    servers.hang_up("fairlead intake")
    assert await env.deliver(env.change("SKU-001", "stock.on_hand", 2)) is Stored.NEW
