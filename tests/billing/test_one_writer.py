"""Rating, drafting and closing of one side of a client are serialized."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.draft import close_period, draft_invoice, draft_wholesale
from billing.periods import Period
from billing.rating.rate_usage import rate_period, rerate_draft
from billing.rating.tariffs import lock_side
from billing.sides import Side
from foundation.scope import Scope
from tests.billing.conftest import MARCH, Market, uses
from tests.policy.approving import someone_waits_for

Work = Callable[[AsyncSession], Awaitable[object]]


async def rate(session: AsyncSession) -> object:
    return await rate_period(session, side=Side.WHOLESALE, period=MARCH, now=MARCH.end)


async def rerate(session: AsyncSession) -> object:
    return await rerate_draft(session, side=Side.WHOLESALE, period=MARCH)


async def draft(session: AsyncSession) -> object:
    return await draft_invoice(session, side=Side.WHOLESALE, period=MARCH, now=MARCH.end)


async def close(session: AsyncSession) -> object:
    return await close_period(session, side=Side.WHOLESALE, period=MARCH, now=MARCH.end)


async def draft_the_msps_own(session: AsyncSession) -> object:
    return await draft_wholesale(session, period=Period(MARCH.start, MARCH.end), now=MARCH.end)


async def waits(market: Market, scope: Scope, work: Work, side: Side) -> bool:
    """Whether `work` waits while another transaction of its scope holds the lock of `side`; `work` then completes."""

    async def working() -> None:
        async with market.db.transaction(scope) as session:
            await work(session)

    async with market.db.transaction(scope) as session:
        await lock_side(session, side)
        task = asyncio.create_task(working())
        while not (stood := await someone_waits_for(session)) and not task.done():  # noqa: ASYNC110 - PostgreSQL has no event for waiting locks
            await asyncio.sleep(0.02)
    await task
    return stood


@pytest.mark.parametrize("work", [rate, rerate, draft, close])
async def test_a_client_has_one_writer_per_side(priced: Market, work: Work) -> None:
    await priced.use(*uses(3))
    await priced.rate(Side.WHOLESALE)
    assert await waits(priced, priced.client, work, Side.WHOLESALE)


async def test_the_msps_own_invoice_has_one_writer(priced: Market) -> None:
    await priced.use(*uses(3))
    await priced.rate(Side.WHOLESALE)
    assert await waits(priced, priced.msp_account, draft_the_msps_own, Side.WHOLESALE)


async def test_the_other_side_and_another_client_do_not_wait(priced: Market) -> None:
    await priced.use(*uses(3))
    other = priced.another_client()
    assert not await waits(priced, priced.client, rate, Side.RETAIL)

    async def rate_other(_: AsyncSession) -> object:
        async with other.as_client() as session:
            return await rate(session)

    assert not await waits(priced, priced.client, rate_other, Side.WHOLESALE)
