"""Changes of a connection's settings. The environment can change only before any value has passed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.change_connection import change_connection
from connectors.connection_input import ConnectionChanges
from connectors.connections import get_connection
from connectors.relations import CONNECTIONS
from connectors.runtime import ConnectorRuntime
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.marks import N_
from governance.elements.declarations import is_retired
from governance.propagation.states import RUNNING


async def change_settings(  # noqa: PLR0913 - keyword-only revision and time
    session: AsyncSession,
    runtime: ConnectorRuntime,
    connection_id: UUID,
    changes: ConnectionChanges,
    *,
    revision: int,
    now: datetime,
) -> int:
    """Save changes that were made from `revision`; returns the new one.

    Raises:
        Conflict: the environment of a connection that is in use cannot change.
        Others as `connectors.change_connection.change_connection`.
    """
    if changes.environment is not None:
        found = await get_connection(session, connection_id)
        if changes.environment != found.environment and await is_in_use(session, connection_id):
            raise Conflict(
                N_(
                    "Values have passed through this connection or a contract names it, so its environment stays. Add"
                    " another connection for the other environment."
                ),
                field="environment",
            )
    saved = await change_connection(session, runtime, connection_id, changes, revision=revision, now=now)
    if changes.partner_id is not None:
        await _move_to_partner(session, connection_id)
    return saved


async def _move_to_partner(session: AsyncSession, connection_id: UUID) -> None:
    """Assign the channel's values and running deliveries to its present partner. Ended deliveries stay with the earlier
    partner, who saw them.
    """
    found = {"t": scope_of(session).tenant_id, "c": connection_id}
    for table, which in (("propagation", f"v.{RUNNING}"), ("channel_value", "true")):
        statement = f"""
            UPDATE {table} v SET partner_id = n.partner_id FROM {CONNECTIONS} n
             WHERE v.tenant_id = :t AND v.connection_id = :c AND n.tenant_id = :t AND n.id = :c
               AND v.partner_id IS DISTINCT FROM n.partner_id AND {which}
        """
        await session.execute(text(statement), found)


async def is_in_use(session: AsyncSession, connection_id: UUID) -> bool:
    """Whether a contract that has not ended names the connection, or a value was sent to it or reported by it."""
    used = text(f"""
        SELECT EXISTS (SELECT 1 FROM element_contract k
                        WHERE k.tenant_id = :t AND k.source_connection_id = :c AND NOT {is_retired("k")})
            OR EXISTS (SELECT 1 FROM propagation WHERE tenant_id = :t AND connection_id = :c)
            OR EXISTS (SELECT 1 FROM channel_value WHERE tenant_id = :t AND connection_id = :c)
            OR EXISTS (SELECT 1 FROM source_record WHERE tenant_id = :t AND connection_id = :c)
            OR EXISTS (SELECT 1 FROM record_value WHERE tenant_id = :t AND source_connection_id = :c)
    """)
    return bool(await session.scalar(used, {"t": scope_of(session).tenant_id, "c": connection_id}))
