"""What a channel may still tell us of what we wrote to it: its message about a value can come after the next one."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value
from governance.changes.planner import World
from governance.elements.rows import Observed
from governance.propagation.repository import load_sent
from governance.records.keys import Key

ECHO_WINDOW: Final = timedelta(hours=1)
"""Whatever stays different on the channel is found by the re-reading."""


async def sent_lately(
    session: AsyncSession, observed: Iterable[Observed], world: World
) -> dict[tuple[UUID, Key], frozenset[Value]]:
    """For what others than the source of truth report."""
    foreign = {
        (o.connection_id, (o.observation.record_key, o.observation.element))
        for o in observed
        if (contract := world.contracts.get(o.observation.element)) is not None
        and contract.source_connection_id != o.connection_id
    }
    return await load_sent(session, foreign, since=world.now - ECHO_WINDOW) if foreign else {}
