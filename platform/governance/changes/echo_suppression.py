"""Echo suppression: ignores a channel's webhook about a value that we wrote to it within the last hour."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value
from governance.changes.planner import DecisionSnapshot
from governance.elements.rows import Observed
from governance.propagation.repository import load_sent

ECHO_WINDOW: Final = timedelta(hours=1)
"""Differences that outlast the window are found by the drift scan."""


async def sent_lately(
    session: AsyncSession, observed: Iterable[Observed], snapshot: DecisionSnapshot
) -> dict[tuple[UUID, ElementKey], frozenset[Value]]:
    """Values sent to each connection within ECHO_WINDOW; only for observations of other senders than the source."""
    foreign = {
        (o.connection_id, o.observation.key)
        for o in observed
        if (contract := snapshot.contracts.find(o.observation.key)) is not None
        and contract.source_connection_id != o.connection_id
    }
    return await load_sent(session, foreign, since=snapshot.now - ECHO_WINDOW) if foreign else {}
