"""Unclaimed messages are locked in the order of their keys, however the table is read, to avoid deadlocks."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.translation.repository import UnclaimedRow, remove_unclaimed, store_unclaimed
from connectors.translation.subscriptions import build_router
from connectors.translation.unclaimed_messages import discard_unclaimed
from foundation.clock import utc_now
from foundation.errors import NotFound
from foundation.ids import new_id
from tests.connectors.translation.shipments import SHIPMENT
from tests.policy.approving import someone_waits_for
from tests.support.client_env import ClientEnv

_AS_STORED = ("indexscan", "bitmapscan", "indexonlyscan", "nestloop", "mergejoin")
"""Without these ways of planning, rows are read in the order in which they are stored."""


async def keep(env: ClientEnv, event_id: UUID) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await store_unclaimed(session, [UnclaimedRow(event_id, SHIPMENT, env.erp, "S1", 1, utc_now())])


async def read_as_stored(session: AsyncSession) -> None:
    for way in _AS_STORED:
        await session.execute(text(f"SET LOCAL enable_{way} = off"))


@pytest.mark.parametrize("act", ["discard", "claim"])
async def test_an_act_on_many_waits_for_the_first_before_it_locks_the_second(env: ClientEnv, act: str) -> None:
    first, second = sorted((new_id(), new_id()))
    await keep(env, second)  # stored before the other
    await keep(env, first)

    async def take_both() -> None:
        async with env.services.db.transaction(env.scope) as session:
            await read_as_stored(session)
            if act == "claim":
                assert await remove_unclaimed(session, [(first, SHIPMENT), (second, SHIPMENT)]) == set()
                return
            with pytest.raises(NotFound):
                await discard_unclaimed(
                    session, build_router(env.services), connection_id=env.erp, message_type=SHIPMENT,
                    reason="Not followed here", now=utc_now(),
                )  # fmt: skip

    async with env.services.db.transaction(env.scope) as session:
        assert await remove_unclaimed(session, [(first, SHIPMENT)]) == {(first, SHIPMENT)}
        other = asyncio.create_task(take_both())
        async with asyncio.timeout(60):
            while not await someone_waits_for(session):  # noqa: ASYNC110 - PostgreSQL has no event for waiting locks
                await asyncio.sleep(0.01)
        assert await remove_unclaimed(session, [(second, SHIPMENT)]) == {(second, SHIPMENT)}
    await other
