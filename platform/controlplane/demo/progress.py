"""Waiting for events in a client of the demonstration, and answering its approvals as its approver."""

import asyncio
import time
from contextlib import suppress

from sqlalchemy import text

from controlplane.demo.seed import SeededClient
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.errors import Conflict
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.relations import CHANGES

LIVE_SECONDS = 120.0
"""Enough for a slow, busy machine; an ordinary one needs two to four."""


async def approve_until(services: Services, client: SeededClient, query: str, wanted: int) -> None:
    """Approve in a loop: a price that arrives in a batch before its cost is put up for approval twice.

    Raises TimeoutError when `query` does not count `wanted` after LIVE_SECONDS.
    """
    deadline = time.monotonic() + LIVE_SECONDS
    while (found := await _count(services, client, query)) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{client.plan.name}: {found} of {wanted} values are live after {LIVE_SECONDS:.0f} s")
        with suppress(Conflict):  # superseded after the reading; the next reading gets the new approval
            await _approve_waiting(services, client)
        await asyncio.sleep(0.1)


async def wait_for(services: Services, client: SeededClient, query: str, wanted: int, *, seconds: float = 60) -> None:
    """Raises TimeoutError when `query` does not count `wanted` in time."""
    deadline = time.monotonic() + seconds
    while (found := await _count(services, client, query)) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{client.plan.name}: {found} of {wanted} after {seconds:.0f} s ({query})")
        await asyncio.sleep(0.1)


async def _approve_waiting(services: Services, client: SeededClient) -> None:
    """Approve all pending changes as the client's approver."""
    actor = Actor(kind="member", id=str(client.approver_id), name=client.approver.name)
    scope = Scope(msp_id=client.scope.msp_id, tenant_id=client.scope.tenant_id, actor=actor)
    async with services.db.transaction(scope) as session:
        waiting = (
            await session.scalars(text(f"SELECT id FROM {CHANGES} c WHERE state = 'awaiting_approval' ORDER BY id"))
        ).all()
        for change_id in waiting:
            await answer_change(session, change_id, grant=True, reason="First catalogue.", now=utc_now())


async def _count(services: Services, client: SeededClient, query: str) -> int:
    async with services.db.transaction(client.scope) as session:
        return int((await session.execute(text(query))).scalar_one())
