"""Loss of a server: accepted messages are preserved, and messages that are not durable are not accepted."""

import asyncio
import os
import signal
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.clock import utc_now
from foundation.valkey import valkey_client
from tests.drills.history import Sent
from tests.drills.inject import FaultInjector
from tests.drills.load import Load
from tests.drills.loaded import assert_whole, make_load, under
from tests.drills.plan import Target
from tests.drills.web_app import DrillWebApp, until

pytestmark = pytest.mark.chaos


async def test_valkey_flushed_again_and_again_under_load_loses_nothing(web_app: DrillWebApp) -> None:
    load = await make_load(web_app)
    valkey = valkey_client(web_app.servers.redis_url)
    async with under(load):
        for _ in range(12):
            await asyncio.sleep(0.25)
            await valkey.flushall()
    await valkey.aclose()
    await assert_whole(web_app, load)


async def test_postgresql_killed_during_intake_accepts_nothing_it_then_loses(web_app: DrillWebApp) -> None:
    load, inflictor = await make_load(web_app), FaultInjector(web_app)
    async with under(load):
        for _ in range(2):
            await asyncio.sleep(1.0)
            await inflictor.kill_server(Target.POSTGRES, load.refused)
        await asyncio.sleep(1.0)
    await assert_whole(web_app, load)


async def test_intake_answers_while_valkey_hangs(web_app: DrillWebApp) -> None:
    load = await make_load(web_app)
    pid = web_app.servers.valkey.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(240):
            sent = [await load.send(load.alone(), patience=30) for _ in range(8)]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert all(message.attempts == 1 for message in sent)
    for message in sent:
        (change,) = message.changes
        await web_app.proven(load.client, change.sku, change.amount)


async def test_without_a_relay_only_delayed_jobs_wait(web_app: DrillWebApp) -> None:
    load = await make_load(web_app)
    market = load.client.market
    await load.send(load.alone())
    web_app.sandbox.delay(market.url, 3600)
    web_app.supervisor.stop(Target.RELAY)
    try:
        sent = await push_without_a_relay(web_app, load)
        web_app.sandbox.delay(market.url, 0)
        assert all(web_app.effects(market, change.sku) for change in sent)
        second_look = "SELECT 1 FROM job WHERE tenant_id = %(t)s AND delayed AND ready_at < clock_timestamp()"
        await web_app.wait_for(second_look, t=load.client.scope.tenant_id)
        await asyncio.sleep(2.0)
        assert await is_pushed(web_app, load, sent), "the second look at the market is delayed work: the relay wakes it"
    finally:
        web_app.stack.run(Target.RELAY, "relay")
    for change in sent:
        await web_app.proven(load.client, change.sku, change.amount)


async def push_without_a_relay(web_app: DrillWebApp, load: Load) -> list[Sent]:
    """Return the sent changes when all of them are on both channels. A wake-up may be lost when the machine is slow,
    and the relay would repeat it; here the next change does.
    """
    sent: list[Sent] = []

    async def pushed() -> bool:
        if not sent or utc_now() - sent[-1].committed_at > timedelta(seconds=10):
            sent.append(load.alone())
            await load.send(sent[-1])
        return await is_pushed(web_app, load, sent)

    await until(pushed, seconds=120)
    return sent


async def is_pushed(web_app: DrillWebApp, load: Load, sent: list[Sent]) -> bool:
    """Visible in the shop, and accepted by the market."""
    rows = await web_app.rows(
        "SELECT record_key, connection_id, state FROM propagation WHERE tenant_id = %(t)s AND record_key = ANY (%(k)s)",
        t=load.client.scope.tenant_id,
        k=[change.sku for change in sent],
    )
    wanted: dict[tuple[str, UUID], str] = {}
    for change in sent:
        wanted |= {(change.sku, load.client.shop.id): "verified", (change.sku, load.client.market.id): "accepted"}
    return {(row["record_key"], row["connection_id"]): row["state"] for row in rows} == wanted
