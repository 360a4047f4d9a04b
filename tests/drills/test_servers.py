"""What is accepted survives the loss of a server, and what is not durable is not accepted."""

import asyncio
import os
import signal
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.clock import utc_now
from foundation.valkey import valkey_client
from tests.drills.history import Sent
from tests.drills.inflict import Inflictor
from tests.drills.load import Load
from tests.drills.loaded import assert_whole, make_load, under
from tests.drills.plan import Target
from tests.drills.web_app import DrillWebApp, until

pytestmark = pytest.mark.chaos


async def test_valkey_flushed_again_and_again_under_load_loses_nothing(site: DrillWebApp) -> None:
    load = await make_load(site)
    valkey = valkey_client(site.servers.redis_url)
    async with under(load):
        for _ in range(12):
            await asyncio.sleep(0.25)
            await valkey.flushall()
    await valkey.aclose()
    await assert_whole(site, load)


async def test_postgresql_killed_during_intake_accepts_nothing_it_then_loses(site: DrillWebApp) -> None:
    load, inflictor = await make_load(site), Inflictor(site)
    async with under(load):
        for _ in range(2):
            await asyncio.sleep(1.0)
            await inflictor.kill_server(Target.POSTGRES, load.refused)
        await asyncio.sleep(1.0)
    await assert_whole(site, load)


async def test_intake_answers_while_valkey_hangs(site: DrillWebApp) -> None:
    load = await make_load(site)
    pid = site.servers.valkey.pid
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
        await site.proven(load.client, change.sku, change.amount)


async def test_without_a_relay_work_flows_at_once_and_what_is_delayed_waits_for_it(site: DrillWebApp) -> None:
    load = await make_load(site)
    market = load.client.market
    await load.send(load.alone())
    site.sandbox.delay(market.url, 3600)
    site.supervisor.stop(Target.RELAY)
    try:
        sent = await push_without_a_relay(site, load)
        site.sandbox.delay(market.url, 0)
        assert all(site.effects(market, change.sku) for change in sent)
        second_look = "SELECT 1 FROM job WHERE tenant_id = %(t)s AND delayed AND ready_at < clock_timestamp()"
        await site.wait_for(second_look, t=load.client.scope.tenant_id)
        await asyncio.sleep(2.0)
        assert await is_pushed(site, load, sent), "the second look at the market is delayed work: the relay wakes it"
    finally:
        site.stack.run(Target.RELAY, "relay")
    for change in sent:
        await site.proven(load.client, change.sku, change.amount)


async def push_without_a_relay(site: DrillWebApp, load: Load) -> list[Sent]:
    """Returns what was sent once all of it is on both channels. A ring may be lost in a slow moment, and the relay
    would ring again; here the next change does.
    """
    sent: list[Sent] = []

    async def pushed() -> bool:
        if not sent or utc_now() - sent[-1].committed_at > timedelta(seconds=10):
            sent.append(load.alone())
            await load.send(sent[-1])
        return await is_pushed(site, load, sent)

    await until(pushed, seconds=120)
    return sent


async def is_pushed(site: DrillWebApp, load: Load, sent: list[Sent]) -> bool:
    """Seen in the shop, and taken by the market."""
    rows = await site.rows(
        "SELECT record_key, connection_id, state FROM propagation WHERE tenant_id = %(t)s AND record_key = ANY (%(k)s)",
        t=load.client.scope.tenant_id,
        k=[change.sku for change in sent],
    )
    wanted: dict[tuple[str, UUID], str] = {}
    for change in sent:
        wanted |= {(change.sku, load.client.shop.id): "verified", (change.sku, load.client.market.id): "accepted"}
    return {(row["record_key"], row["connection_id"]): row["state"] for row in rows} == wanted
