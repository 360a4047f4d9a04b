"""Unclaimed messages: delivered again once a room reads them, or discarded."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.audit_actions import ConnectionAction
from connectors.translation.job_type import TRANSLATE, TranslateEvents, ingest_lane
from connectors.translation.repository import count_unclaimed
from connectors.translation.subscriptions import MessageRouter, Origin, Received, UnclaimedMessages
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.reasons import clean_reason
from foundation.text import is_storable

MOST_REPLAYED: Final = 1_000
"""Source events that one replay enqueues."""
_NOTHING: Final = N_("No messages of this connection and type are stored.")
_NO_READER: Final = N_("Messages of this type are not processed yet, so they remain stored. Replay them once they are.")


class Replay(msgspec.Struct, frozen=True):
    """Numbers of source events: `replayed` are translated again, `remaining` exceed the limit of one replay."""

    replayed: int
    remaining: int


async def replay_unclaimed(
    session: AsyncSession, router: MessageRouter, *, connection_id: UUID, message_type: str, now: datetime
) -> Replay:
    """Enqueue the oldest source events with unclaimed messages of a type, for delivery to the rooms that read it now.
    Each message is delivered once, however often this is called.

    Raises:
        NotFound: no unclaimed message of that connection and type exists.
        Conflict: no room reads the type.
    """
    found = await session.execute(
        text("""
            SELECT event_id, count(*) OVER () AS total FROM unclaimed_message
             WHERE tenant_id = :t AND connection_id = :c AND message_type = :type ORDER BY event_id LIMIT :most
        """),
        {
            "t": scope_of(session).tenant_id, "c": connection_id, "type": _storable(message_type),
            "most": MOST_REPLAYED,
        },
    )  # fmt: skip
    events = found.all()
    if not events:
        raise NotFound(_NOTHING)
    if not router.reads_code(message_type):
        raise Conflict(_NO_READER)
    lane, payload = ingest_lane(connection_id), TranslateEvents(unclaimed=message_type)
    enqueue(
        session,
        [NewJob(lane, TRANSLATE, str(connection_id), ref=row.event_id, payload=payload) for row in events],
    )
    done = Replay(len(events), events[0].total - len(events))
    append_audit(
        session, action=ConnectionAction.MESSAGES_REPLAYED, subject=f"connection:{connection_id}",
        data={"type": message_type, "events": done.replayed}, at=now,
    )  # fmt: skip
    return done


async def discard_unclaimed(  # noqa: PLR0913 - keyword-only parts of one act
    session: AsyncSession, router: MessageRouter, *, connection_id: UUID, message_type: str, reason: str, now: datetime
) -> int:
    """Discard the unclaimed messages of a connection and type, and return their number. Their source events stay
    stored; messages received later are stored as unclaimed again.

    Raises:
        InvalidInput: the reason is empty or too long.
        NotFound: no unclaimed message of that connection and type exists.
    """
    kept_reason = clean_reason(reason)
    rows = await session.execute(
        text("""
            WITH locked AS MATERIALIZED (
                SELECT event_id FROM unclaimed_message
                 WHERE tenant_id = :t AND connection_id = :c AND message_type = :type ORDER BY event_id FOR UPDATE)
            DELETE FROM unclaimed_message u USING locked k
             WHERE u.tenant_id = :t AND u.event_id = k.event_id AND u.message_type = :type
            RETURNING u.event_id, u.received_at, u.message_count
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "type": _storable(message_type)},
    )
    gone = rows.all()
    if not gone:
        raise NotFound(_NOTHING)
    number: int = sum(row.message_count for row in gone)
    origin = Origin(gone[-1].event_id, connection_id, gone[-1].received_at, "")
    left = UnclaimedMessages(message_type, await count_unclaimed(session, connection_id, message_type))
    await router.deliver(session, {UnclaimedMessages: [Received(origin, [left])]})
    append_audit(
        session, action=ConnectionAction.MESSAGES_DISCARDED, subject=f"connection:{connection_id}",
        data={"type": message_type, "messages": number, "reason": kept_reason}, at=now,
    )  # fmt: skip
    return number


def _storable(message_type: str) -> str:
    """The code, also of a type of another release. Raises NotFound for a text that cannot be a stored code."""
    if not is_storable(message_type):
        raise NotFound(_NOTHING)
    return message_type
