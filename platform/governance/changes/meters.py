"""Meters of decided changes and of orders under control."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.orders import ORDER
from canonical.values import read_value
from foundation.marks import N_, NN_
from foundation.usage.ledger import dated_id, subjects_of
from foundation.usage.meters import Meter, UsageDescription
from governance.labels import write_element, write_value
from governance.permissions import GovernancePermission
from policy.redaction import unless_hidden

_DECIDED: Final = """
    SELECT c.id, 1 AS quantity, c.decided_at AS occurred_at, c.id AS subject_id FROM change c
     WHERE c.tenant_id = :t AND c.id >= :floor AND c.decided_at >= :since AND c.decided_at < :until
"""
_MONTH: Final = "date_trunc('month', c.proposed_at, 'UTC')"
_ORDERS: Final = f"""
    SELECT {dated_id(_MONTH, "c.record_key")} AS id, 1 AS quantity, min(c.proposed_at) AS occurred_at,
           CAST(min(CAST(c.id AS text)) AS uuid) AS subject_id
      FROM change c
     WHERE c.tenant_id = :t AND c.id >= :floor AND c.record_type = '{ORDER}'
       AND c.proposed_at >= :since AND c.proposed_at < :until
     GROUP BY {_MONTH}, c.record_key
"""


async def _describe(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    return await _describe_changes(session, client_id, {one: one for one in events})


async def _describe_changes(
    session: AsyncSession, client_id: UUID, changes: Mapping[UUID, UUID]
) -> Mapping[UUID, UsageDescription]:
    """`changes`: id of the change by that of the event."""
    rows = await session.execute(
        text("""
            SELECT id, record_key, element, dimension, new_value FROM change WHERE tenant_id = :t AND id = ANY (:ids)
        """),
        {"t": client_id, "ids": list(changes.values())},
    )
    found = {
        row.id: UsageDescription(
            subject=row.record_key,
            what=" ".join(
                (
                    write_element(row.element, row.dimension),
                    write_value(unless_hidden(read_value(row.new_value), row.element)),
                )
            ),
            where="",
            path=f"/changes/{row.id}",
        )
        for row in rows
    }
    return {event: found[change] for event, change in changes.items() if change in found}


async def _describe_orders(
    session: AsyncSession, client_id: UUID, events: Sequence[UUID]
) -> Mapping[UUID, UsageDescription]:
    subjects = await subjects_of(session, client_id, ORDERS.name, events)
    return await _describe_changes(session, client_id, subjects)


DECIDED_CHANGES: Final = Meter(
    name="change.decided",
    unit=NN_("{number} change", "{number} changes"),
    label=N_("Governed changes"),
    permission=GovernancePermission.READ_CHANGES,
    describe=_describe,
    collect=_DECIDED,
)
ORDERS: Final = Meter(
    name="order.controlled",
    unit=NN_("{number} order", "{number} orders"),
    label=N_("Orders under control"),
    permission=GovernancePermission.READ_CHANGES,
    describe=_describe_orders,
    collect=_ORDERS,
)
