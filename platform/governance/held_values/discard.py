"""Discarding of held values that are not needed, for example of an element that the client does not manage here."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.marks import N_
from foundation.reasons import clean_reason
from foundation.text import is_storable
from governance.held_values.audit_actions import HeldValueAction


async def discard_held(session: AsyncSession, *, connection_id: UUID, element: str, reason: str, now: datetime) -> int:
    """Delete the held values of a connection and element, and return their number. Their messages stay stored, and a
    newer message about such a record is held again.

    Raises:
        InvalidInput: the reason is empty or too long.
        NotFound: nothing of that connection and element is held.
    """
    kept_reason = clean_reason(reason)
    if not is_storable(element):  # so nothing can be held of it
        raise NotFound(N_("No values of this connection and element are held."))
    gone = await session.scalar(
        text("""
            WITH gone AS (DELETE FROM held_observation
                           WHERE tenant_id = :t AND connection_id = :c AND element = :e RETURNING 1)
            SELECT count(*) FROM gone
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "e": element},
    )
    if not gone:
        raise NotFound(N_("No values of this connection and element are held."))
    append_audit(
        session, action=HeldValueAction.HELD_VALUE_DISCARDED, subject=f"connection:{connection_id}",
        data={"element": element, "values": gone, "reason": kept_reason}, at=now,
    )  # fmt: skip
    return int(gone)
