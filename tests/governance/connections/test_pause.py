"""A paused channel is visible: its rows, its state, the values not sent, and an open exception."""

import msgspec

from canonical.elements import PRICE, STOCK
from foundation.clock import utc_now
from governance.connections.pause import pause_connection, resume_connection
from governance.overview.queries import read_clocks, read_figures
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv
from tests.support.values import pieces

_OPEN = "SELECT code, params ->> 'name' FROM governance_exception WHERE state = 'open' ORDER BY code"


async def test_a_paused_channel_stays_listed_and_is_never_complete(env: ClientEnv) -> None:
    await seed(env)
    async with env.services.db.transaction(env.scope) as session:
        await pause_connection(session, env.channels["shop0"], now=utc_now())
    await env.work()
    assert await env.rows(_OPEN) == [("connection.paused", "shop0")]
    assert [found.title for found in await env.exceptions()] == ["shop0 is paused"]
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work(until="SELECT NOT EXISTS (SELECT FROM propagation WHERE state <> 'verified')")
    async with env.services.db.transaction(env.scope) as session:
        clocks = await read_clocks(session, now=utc_now())
        figures = await read_figures(session, now=utc_now())
    (price,) = [clock for clock in clocks if clock.channel == "shop0" and clock.element == PRICE]
    assert (price.health, price.unsent, price.paused_at is not None) == ("paused", 1, True)
    assert figures.paused == ["shop0"]
    assert (figures.measured, figures.visible) == (2, 1)
    async with env.services.db.transaction(env.scope) as session:
        await resume_connection(session, env.channels["shop0"], now=utc_now())
    assert await env.rows(_OPEN) == []
    await env.work(
        until="SELECT count(*) = 2 FROM propagation WHERE element = 'price.list' AND minor(value) = 10400"
        " AND state = 'verified'",
    )
    async with env.services.db.transaction(env.scope) as session:
        figures = await read_figures(session, now=utc_now())
    assert (figures.measured, figures.visible, figures.paused) == (2, 2, [])


async def test_each_waiting_part_of_a_paused_channels_value_counts(
    env: ClientEnv,
) -> None:
    """Each part of a divided value has its own versions."""
    for amount in (1, 2):
        berlin = {"value": msgspec.to_builtins(pieces(amount)), "dimension": "location=Berlin"}
        await env.deliver(env.change("SKU-001", STOCK, 0) | berlin)
        await env.work(settle=20.0)
    async with env.services.db.transaction(env.scope) as session:
        await pause_connection(session, env.channels["shop0"], now=utc_now())
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await env.work(settle=20.0)
    async with env.services.db.transaction(env.scope) as session:
        figures = await read_figures(session, now=utc_now())
    assert (figures.measured, figures.visible) == (3, 2)
