"""Valkey only carries hints: when it is away or hangs, nobody waits for it, and workers look again by themselves."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis
import redis.asyncio

from foundation.ids import new_id
from foundation.lanes.broker import LaneBroker
from foundation.lanes.ring import Ring
from foundation.valkey import blocking_valkey_client, valkey_client

NOBODY = "redis://127.0.0.1:1/0"
PATIENCE_SECONDS = 60


@pytest.fixture
async def hanging() -> AsyncIterator[str]:
    """Takes connections and never says a word."""
    gone = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    gone.set()
    server.close()
    await server.wait_closed()


async def test_a_hint_to_a_valkey_that_hangs_is_given_up(hanging: str) -> None:
    client = redis.asyncio.Redis.from_url(hanging)  # which has no patience of its own that would end
    async with asyncio.timeout(PATIENCE_SECONDS):
        await Ring(client).hint({(new_id(), new_id()): {"lane"}})
    await client.aclose()


async def test_an_absent_valkey_is_told_after_one_more_try() -> None:
    tried = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    client = valkey_client(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    with pytest.raises(redis.ConnectionError):
        await client.ping()
    assert tried == 2
    await client.aclose()
    server.close()


async def test_a_consumer_outlasts_an_outage_and_keeps_its_slots() -> None:
    client = blocking_valkey_client(NOBODY)
    consumer = LaneBroker(client, slots=1, middleware=[]).consume("shared", timeout=100)
    for _ in range(3):
        assert await asyncio.to_thread(next, consumer) is None
    client.close()
