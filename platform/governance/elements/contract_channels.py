"""Channels of a contract: the only ones that get its values, or every channel that can show them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import element_type
from canonical.keys import PRODUCT
from connectors.manifest import ANY
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.events import EVENTS_LANE
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from governance.elements.declarations import find_declaration
from governance.elements.models import ElementContract
from governance.elements.schemas import NewContract
from governance.job_types import BACKFILL_CHANNEL, BackfillChannel

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LANE: Final = f"{EVENTS_LANE}/{BACKFILL_CHANNEL.name}"
"""Lane of the backfills of resumed channels."""


class ContractChannels(NamedTuple):
    """Channels to publish. `stay`: unchanged; every channel for a new contract. `only`: None for every channel."""

    stay: bool
    only: list[UUID] | None = None


KEPT_CHANNELS: Final = ContractChannels(stay=True)


async def choose_channels(session: AsyncSession, new: NewContract) -> ContractChannels:
    """Return the channels to publish. Raises InvalidInput: a connection does not exist here, or cannot show the
    element.
    """
    if new.all_channels:
        return ContractChannels(stay=False)
    if new.channels is None:
        return KEPT_CHANNELS
    able = {one for one, _ in await list_channels_of(session, new.element)}
    chosen = sorted(set(new.channels))
    if not able.issuperset(chosen):
        raise no_such_channel()
    return ContractChannels(stay=False, only=chosen)


def no_such_channel() -> InvalidInput:
    return InvalidInput(N_("Choose channels of this account that can show this element."), field="channels")


async def list_channels_of(session: AsyncSession, element: str) -> Sequence[tuple[UUID, str]]:
    """Id and name of each connection whose connector can write the element."""
    known = element_type(element) or await find_declaration(session, element)
    record_type = PRODUCT if known is None else known.record_type
    rows = await session.execute(
        text(f"""
            SELECT n.id, n.name FROM {CONNECTIONS} n
             WHERE n.tenant_id = :t AND n.state <> 'deleted' AND n.writes && CAST(:elements AS varchar[])
             ORDER BY n.name, n.id
        """),
        {
            "t": scope_of(session).tenant_id,
            "elements": [element, ANY if record_type == PRODUCT else f"{record_type}.{ANY}"],
        },
    )
    return [(row.id, row.name) for row in rows]


async def send_to_added(session: AsyncSession, contract: ElementContract, before: list[UUID] | None) -> None:
    """Enqueue a backfill of the approved values for each channel that the contract adds."""
    if before is None or contract.channels == before:
        return
    wanted = contract.channels
    if wanted is None:
        wanted = [one for one, _ in await list_channels_of(session, contract.element)]
    payload = BackfillChannel(_LONG_AGO, contract.published_at, element=contract.element)
    jobs = [
        NewJob(_LANE, BACKFILL_CHANNEL, key=f"{one}/{contract.element}", ref=one, payload=payload)
        for one in wanted
        if one not in before
    ]
    enqueue(session, jobs)
