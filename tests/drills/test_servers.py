"""What is accepted survives the loss of a server, and what is not durable is not accepted."""

import asyncio
import os
import signal
from uuid import UUID

import pytest

from foundation.valkey import valkey_client
from tests.drills.inflict import Inflictor
from tests.drills.loaded import assert_whole, make_load
from tests.drills.plan import Target
from tests.drills.site import Site, until

pytestmark = pytest.mark.chaos


async def test_valkey_flushed_again_and_again_under_load_loses_nothing(site: Site) -> None:
    load, stop = await make_load(site), asyncio.Event()
    valkey = valkey_client(site.servers.redis_url)
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run(stop))
        for _ in range(12):
            await asyncio.sleep(0.25)
            await valkey.flushall()
        stop.set()
    await valkey.aclose()
    await assert_whole(site, load)


async def test_postgresql_killed_during_intake_accepts_nothing_it_then_loses(site: Site) -> None:
    load, stop, inflictor = await make_load(site), asyncio.Event(), Inflictor(site)
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run(stop))
        for _ in range(2):
            await asyncio.sleep(1.0)
            await inflictor.kill_server(Target.POSTGRES, 0.5)
        await asyncio.sleep(1.0)
        stop.set()
    assert load.history.answers["503"] > 0
    await assert_whole(site, load)


async def test_intake_answers_while_valkey_hangs(site: Site) -> None:
    load = await make_load(site)
    pid = site.servers.valkey.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            sent = [await load.send(load.alone()) for _ in range(8)]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert all(message.attempts == 1 for message in sent)
    for message in sent:
        (change,) = message.changes
        await site.proven(load.client, change.sku, change.amount)


async def test_without_a_relay_work_flows_at_once_and_what_is_delayed_waits_for_it(site: Site) -> None:
    load = await make_load(site)
    await load.send(load.alone())
    site.supervisor.stop(Target.RELAY)
    try:
        change = load.alone()
        await load.send(change)

        async def states() -> dict[UUID, str]:
            rows = await site.rows(
                "SELECT connection_id, state FROM propagation WHERE tenant_id = %(t)s AND record_key = %(k)s",
                t=load.client.scope.tenant_id,
                k=change.sku,
            )
            return {row["connection_id"]: row["state"] for row in rows}

        async def pushed() -> bool:
            return await states() == {load.client.shop.id: "verified", load.client.market.id: "accepted"}

        await until(pushed, seconds=90)
        await asyncio.sleep(2.0)
        assert await pushed(), "the second look at the market is delayed work, which only the relay wakes"
    finally:
        site.stack.run(Target.RELAY, "relay")
    await site.proven(load.client, change.sku, change.amount)
