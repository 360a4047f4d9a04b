"""The two clocks of a change, and the one definition of a late delivery.

    source commit --intake--> proposal --decision--> release --delivery--> read-back on the channel

Decision time is spent by policy and people and never counts for a channel. Delivery time begins with the release.
Time in which the channel was paused or the client suspended is excluded from it and shown separately. A propagation
with a stale approval waits for a new decision, so its delivery clock does not run. Pages, timeline, API, exceptions and
figures all use `is_late` or its SQL equivalent, `LATE`.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from governance.propagation.states import RUNNING, PropagationState
from tenants.relations import CLIENTS

COUNTING: Final = f"{RUNNING} AND state <> 'stale_approval'"
"""As SQL: propagations whose delivery clock runs while their channel is active."""
ACTIVE_CHANNEL: Final = f"""EXISTS (SELECT 1 FROM {CONNECTIONS} a JOIN {CLIENTS} s ON s.tenant_id = a.tenant_id
                                     WHERE a.tenant_id = p.tenant_id AND a.id = p.connection_id
                                       AND a.state = 'active' AND s.status = 'active')"""
"""As SQL, of propagation `p`: its channel is active and its client is not suspended."""
LATE: Final = f"""(p.breached OR p.state NOT IN ('verified', 'superseded', 'stale_approval') AND p.slo_due_at < :now
                   AND {ACTIVE_CHANNEL})"""
"""As SQL, of propagation `p` at :now. A settlement records in `breached` whether a verified one was late."""
DELIVERY_SECONDS: Final = "extract(epoch FROM verified_at - released_at - excluded)"
DECISION_SECONDS: Final = "extract(epoch FROM decided_at - proposed_at - decision_excluded)"


def is_late(  # noqa: PLR0913 - the facts of one delivery
    *,
    state: str,
    breached: bool,
    slo_due_at: datetime,
    verified_at: datetime | None,
    channel_active: bool,
    now: datetime,
) -> bool:
    """Whether the channel missed the delivery target. A delivery that was late before a pause stays late."""
    if state == PropagationState.VERIFIED:
        return verified_at is not None and verified_at > slo_due_at
    if breached:
        return True
    return (
        state not in {PropagationState.STALE_APPROVAL, PropagationState.SUPERSEDED}
        and channel_active
        and slo_due_at < now
    )


_EXCLUDED: Final = """greatest(CAST(:now AS timestamptz) - greatest(CAST(:since AS timestamptz), p.released_at,
                               p.excluded_until), interval '0')"""
_EXCLUDE: Final = text(f"""
    WITH locked AS (
        SELECT p.change_id, p.connection_id FROM propagation p
         WHERE p.tenant_id = :t AND p.{RUNNING} AND (CAST(:channel AS uuid) IS NULL OR p.connection_id = :channel)
           AND (CAST(:channel AS uuid) IS NOT NULL OR NOT EXISTS (
                SELECT 1 FROM {CONNECTIONS} c WHERE c.tenant_id = :t AND c.id = p.connection_id
                   AND c.state <> 'active' AND c.paused_at <= :since))
         ORDER BY p.change_id, p.connection_id FOR UPDATE)
    UPDATE propagation p
       SET excluded = p.excluded + {_EXCLUDED},
           slo_due_at = CASE WHEN p.breached OR p.slo_due_at <= :since THEN p.slo_due_at
                             ELSE p.slo_due_at + {_EXCLUDED} END,
           excluded_until = greatest(p.excluded_until, :now)
      FROM locked WHERE p.tenant_id = :t AND p.change_id = locked.change_id AND p.connection_id = locked.connection_id
    RETURNING p.slo_due_at, p.breached
""")
"""A suspension skips channels paused before it: their longer pause is excluded on resuming."""


async def exclude_time(
    session: AsyncSession, *, since: datetime, now: datetime, channel_id: object = None
) -> datetime | None:
    """Exclude a pause of one channel, or a suspension of the client, from running deliveries; overlaps count once.

    Returns the next delivery target among them.
    """
    keys = {"t": scope_of(session).tenant_id, "since": since, "now": now, "channel": channel_id}
    rows = (await session.execute(_EXCLUDE, keys)).all()
    return min((row.slo_due_at for row in rows if not row.breached), default=None)
