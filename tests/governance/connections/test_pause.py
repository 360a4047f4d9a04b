"""U3: a paused channel stays visible: its rows, its state, what was not sent, and an open exception."""

import msgspec

from canonical.elements import PRICE, STOCK
from foundation.clock import utc_now
from governance.connections.pause import pause_connection, resume_connection
from governance.overview.queries import read_clocks, read_figures
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv
from tests.support.values import pieces

_OPEN = "SELECT code, params ->> 'name' FROM governance_exception WHERE state = 'open' ORDER BY code"


async def test_u3_a_paused_channel_stays_listed_and_is_never_complete(world: ClientEnv) -> None:
    await seed(world)
    async with world.services.db.transaction(world.scope) as session:
        await pause_connection(session, world.channels["shop0"], now=utc_now())
    await world.work()
    assert await world.rows(_OPEN) == [("connection.paused", "shop0")]
    assert [found.title for found in await world.exceptions()] == ["shop0 is paused"]
    await world.deliver(world.change("SKU-001", PRICE, 10_400))
    await world.work(until="SELECT NOT EXISTS (SELECT FROM propagation WHERE state <> 'verified')")
    async with world.services.db.transaction(world.scope) as session:
        clocks = await read_clocks(session, now=utc_now())
        figures = await read_figures(session, now=utc_now())
    (price,) = [clock for clock in clocks if clock.channel == "shop0" and clock.element == PRICE]
    assert (price.health, price.unsent, price.paused_at is not None) == ("paused", 1, True)
    assert figures.paused == ["shop0"]
    assert (figures.judged, figures.visible) == (2, 1)
    async with world.services.db.transaction(world.scope) as session:
        await resume_connection(session, world.channels["shop0"], now=utc_now())
    assert await world.rows(_OPEN) == []
    await world.work(
        until="SELECT count(*) = 2 FROM propagation WHERE element = 'price.list' AND minor(value) = 10400"
        " AND state = 'verified'",
    )
    async with world.services.db.transaction(world.scope) as session:
        figures = await read_figures(session, now=utc_now())
    assert (figures.judged, figures.visible, figures.paused) == (2, 2, [])


async def test_a_part_of_a_paused_channels_value_that_waits_counts_whatever_the_other_parts_do(
    world: ClientEnv,
) -> None:
    """Each part of a divided value has versions of its own."""
    for amount in (1, 2):
        berlin = {"value": msgspec.to_builtins(pieces(amount)), "dimension": "location=Berlin"}
        await world.deliver(world.change("SKU-001", STOCK, 0) | berlin)
        await world.work(settle=20.0)
    async with world.services.db.transaction(world.scope) as session:
        await pause_connection(session, world.channels["shop0"], now=utc_now())
    await world.deliver(world.change("SKU-001", STOCK, 5))
    await world.work(settle=20.0)
    async with world.services.db.transaction(world.scope) as session:
        figures = await read_figures(session, now=utc_now())
    assert (figures.judged, figures.visible) == (3, 2)
