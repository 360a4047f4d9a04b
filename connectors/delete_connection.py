"""Deletion of a connection: its credentials are deleted; its row stays, because history refers to it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.audit_actions import ConnectionAction
from connectors.connections import get_connection
from connectors.poll_job import POLL, poll_lane
from connectors.states import CONNECTIONS, ConnectionState
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.jobs.enqueue import set_timer


async def delete_connection_row(
    session: AsyncSession, connection_id: UUID, *, taken: dict[str, object], now: datetime
) -> None:
    """Delete the connection's rows of this room; `taken` is what higher rooms removed with it, for the audit trail.

    Raises NotFound.
    """
    found = await get_connection(session, connection_id)
    found.state = CONNECTIONS.move(found.state, ConnectionState.DELETED)
    found.revision += 1
    found.deleted_at, found.paused_at = now, found.paused_at or now
    for table in ("connection_secret", "reconnect_link"):
        await session.execute(
            text(f"DELETE FROM {table} WHERE tenant_id = :t AND connection_id = :c"),
            {"t": scope_of(session).tenant_id, "c": connection_id},
        )
    lane = poll_lane(connection_id)
    await set_timer(session, name=lane, lane=lane, job_type=POLL, due_at=None)
    append_audit(
        session,
        action=ConnectionAction.CONNECTION_DELETED,
        subject=f"connection:{connection_id}",
        data={"name": found.name, "kind": found.kind, **taken},
        at=now,
    )
