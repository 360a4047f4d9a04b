"""Queries of unclaimed messages."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS, UNCLAIMED_MESSAGES
from connectors.translation.subscriptions import MessageRouter
from foundation.database.engine import scope_of
from governance.unclaimed_messages.schemas import UnclaimedGroup


async def list_unclaimed(session: AsyncSession, router: MessageRouter) -> Sequence[UnclaimedGroup]:
    """List kept messages by connection and type, those kept longest first. There are few groups: a client has a handful
    of connections, and each reports a handful of types.
    """
    rows = await session.execute(
        text(f"""
            SELECT u.connection_id, n.name, u.message_type, sum(u.message_count)::bigint, count(*), min(u.received_at),
                   max(u.received_at), (array_agg(u.reference ORDER BY u.event_id DESC))[1]
              FROM {UNCLAIMED_MESSAGES} u
              JOIN {CONNECTIONS} n ON n.tenant_id = u.tenant_id AND n.id = u.connection_id
             WHERE u.tenant_id = :t
             GROUP BY u.connection_id, n.name, u.message_type ORDER BY min(u.received_at), n.name, u.message_type
        """),
        {"t": scope_of(session).tenant_id},
    )
    return [_group(row, router) for row in rows]


def _group(row: Row[Any], router: MessageRouter) -> UnclaimedGroup:
    fields: list[Any] = [*row, router.reads_code(row.message_type)]
    return UnclaimedGroup(*fields)
