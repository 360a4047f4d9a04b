"""Connection health: times of the last success and the last failure."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.events import CONNECTION_FAILING, CONNECTION_RECOVERED
from foundation.database.engine import scope_of
from foundation.events import DomainEvent, publish
from foundation.i18n.messages import MessageText, encode_text
from foundation.jobs.types import NoPayload

ALWAYS = timedelta(0)
IS_FAILING = "coalesce(last_failure_at, '-infinity') > coalesce(last_success_at, '-infinity')"
"""SQL condition on a connection."""
_RECORDED_EVERY = timedelta(seconds=5)
_DRIFT = timedelta(minutes=5)
"""Times further ahead come from a clock that was temporarily wrong, and are ignored."""


async def is_healthy(session: AsyncSession, connection_id: UUID) -> bool:
    """Whether a call succeeded since the latest failure: a request that fails now then fails because of its content."""
    found = text("""
        SELECT coalesce(last_success_at > coalesce(last_failure_at, '-infinity'), false)
          FROM connection WHERE tenant_id = :t AND id = :c
    """)
    return bool(await session.scalar(found, {"t": scope_of(session).tenant_id, "c": connection_id}))


async def record_health(
    session: AsyncSession,
    connection_id: UUID,
    *,
    now: datetime,
    error: MessageText | None = None,
    every: timedelta = ALWAYS,
) -> None:
    """Record a success or failure. `every` limits the writes per connection, so that health costs nothing under
    load.

    The success that ends a failing period is always written: the next one may be far off. Changes of health are
    published.
    """
    column, other = (
        ("last_failure_at", "last_success_at") if error is not None else ("last_success_at", "last_failure_at")
    )
    turned = await session.scalar(
        text(f"""
            WITH was AS (SELECT id, {IS_FAILING} AS failing FROM connection WHERE tenant_id = :t AND id = :c)
            UPDATE connection c SET {column} = :now, last_error = coalesce(CAST(:error AS jsonb), c.last_error),
                   {other} = CASE WHEN c.{other} > :now + CAST(:drift AS interval)
                                  THEN :now - interval '1 microsecond' ELSE c.{other} END
              FROM was WHERE c.tenant_id = :t AND c.id = was.id
               AND (CAST(:every AS interval) = interval '0'
                    OR coalesce(c.{column}, '-infinity') < :now - CAST(:every AS interval)
                    OR greatest(c.last_success_at, c.last_failure_at) > :now + CAST(:drift AS interval)
                    OR was.failing AND NOT :failed)
            RETURNING was.failing <> :failed
        """),
        {
            "t": scope_of(session).tenant_id,
            "c": connection_id,
            "now": now,
            "error": encode_text(error),
            "every": every,
            "drift": _DRIFT,
            "failed": error is not None,
        },
    )
    if turned:
        turn = CONNECTION_RECOVERED if error is None else CONNECTION_FAILING
        publish(session, DomainEvent(turn, connection_id, now, NoPayload()))


async def record_message_received(session: AsyncSession, connection_id: UUID, *, at: datetime) -> None:
    """Record the receipt of a webhook, accurate to about five seconds, so that it costs nothing under load. Locks the
    connection, so it comes last in its transaction.
    """
    await session.execute(
        text("""
            UPDATE connection SET last_message_at = :at
             WHERE tenant_id = :t AND id = :c
               AND coalesce(last_message_at, '-infinity') < CAST(:at AS timestamptz) - :every
        """),
        {"t": scope_of(session).tenant_id, "c": connection_id, "at": at, "every": _RECORDED_EVERY},
    )
