"""Queries of propagations for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import read_value, to_value
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.i18n.messages import StoredMessage
from governance.messages.writer import write_reason
from governance.propagation.delivery import ACTIVE_CHANNEL, is_late
from governance.propagation.schemas import PropagationView

UNANSWERED_ATTEMPT: Final = """EXISTS (SELECT 1 FROM propagation_attempt w
                                     WHERE w.tenant_id = p.tenant_id AND w.change_id = p.change_id
                                       AND w.connection_id = p.connection_id AND w.answered_at IS NULL)"""
"""As SQL, of propagation `p`: an attempt is under way, or a worker died before it recorded the answer."""
POSSIBLY_SHOWN: Final = f"""(p.verified_at IS NULL AND (coalesce(p.accepted_at, p.sent_at) IS NOT NULL
                              OR {UNANSWERED_ATTEMPT}))"""
"""As SQL, of propagation `p`: buyers may have seen the value, which was not read back."""
_PUSHES: Final = """(SELECT count(*) FROM propagation_attempt u WHERE u.tenant_id = p.tenant_id
                        AND u.change_id = p.change_id AND u.connection_id = p.connection_id)"""
"""As SQL, of propagation `p`: its recorded pushes. `p.attempts` counts results of pushes and of readings."""
PROPAGATION_COLUMNS: Final = f"""
    p.change_id, p.connection_id, n.name AS channel, p.record_key, p.element, p.dimension, p.record_type, p.value,
    p.version, p.state, {_PUSHES} AS attempts, p.committed_at, p.released_at, p.slo_due_at, p.breached, p.excluded,
    p.accepted_at, p.verified_at, {POSSIBLY_SHOWN} AS possibly_shown, p.read_value, p.previous_value, p.error,
    {ACTIVE_CHANNEL} AS channel_active,
    CASE WHEN n.state <> 'active' THEN n.paused_at END AS channel_paused_at
"""


def to_propagation(row: Row[Any], now: datetime) -> PropagationView:
    """Map a row of PROPAGATION_COLUMNS, as of `now`."""
    problem = None if row.error is None else msgspec.convert(row.error, StoredMessage)
    return PropagationView(
        change_id=row.change_id,
        connection_id=row.connection_id,
        channel=row.channel,
        record_key=row.record_key,
        element=row.element,
        dimension=row.dimension,
        record_type=row.record_type,
        value=read_value(row.value),
        version=row.version,
        state=row.state,
        attempts=row.attempts,
        committed_at=row.committed_at,
        released_at=row.released_at,
        slo_due_at=row.slo_due_at,
        late=is_late(
            state=row.state,
            breached=row.breached,
            slo_due_at=row.slo_due_at,
            verified_at=row.verified_at,
            channel_active=row.channel_active,
            now=now,
        ),
        excluded=row.excluded,
        channel_paused_at=row.channel_paused_at,
        accepted_at=row.accepted_at,
        verified_at=row.verified_at,
        read=to_value(row.read_value),
        possibly_shown=row.possibly_shown,
        previous=to_value(row.previous_value),
        error=write_reason(problem, element=row.element),
        problem=problem,
    )


async def load_propagations(
    session: AsyncSession, change_ids: Sequence[UUID], *, now: datetime
) -> dict[UUID, list[PropagationView]]:
    """Load propagations by change, ordered by channel name."""
    found: dict[UUID, list[PropagationView]] = {change_id: [] for change_id in change_ids}
    if not change_ids:
        return found
    rows = await session.execute(
        text(f"""
            SELECT {PROPAGATION_COLUMNS}
              FROM propagation p JOIN {CONNECTIONS} n ON n.tenant_id = p.tenant_id AND n.id = p.connection_id
             WHERE p.tenant_id = :t AND p.change_id = ANY (:ids) ORDER BY n.name, n.id
        """),
        {"t": scope_of(session).tenant_id, "ids": list(change_ids)},
    )
    for row in rows:
        found[row.change_id].append(to_propagation(row, now))
    return found
