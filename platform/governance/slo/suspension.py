"""Clocks of a suspended client: stopped, and resumed with the remaining time.

Called in the transaction that resumes the client. Clocks that were late before the suspension stay late.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.propagation.delivery import exclude_time
from governance.propagation.distribute import start_clock
from policy.approvals import extend_approvals

_LEFT_OUT: Final = "(CAST(:now AS timestamptz) - greatest(CAST(:since AS timestamptz), least({begun}, :now)))"
"""As SQL: the part of the suspension after a clock's start."""
_DECISIONS: Final = text(f"""
    WITH locked AS (SELECT id FROM change WHERE tenant_id = :t AND state = 'awaiting_approval' ORDER BY id FOR UPDATE)
    UPDATE change c SET decision_excluded = c.decision_excluded + {_LEFT_OUT.format(begun="c.proposed_at")}
      FROM locked WHERE c.tenant_id = :t AND c.id = locked.id AND c.decided_at IS NULL
""")
_CORRECTIONS: Final = text(f"""
    WITH locked AS (
        SELECT e.id FROM governance_exception e
         WHERE e.tenant_id = :t AND e.state = 'open' AND e.escalated_at IS NULL AND e.correction_due_at > :since
         ORDER BY e.code, e.subject FOR UPDATE)
    UPDATE governance_exception e SET correction_due_at = e.correction_due_at + {_LEFT_OUT.format(begun="e.opened_at")}
      FROM locked WHERE e.tenant_id = :t AND e.id = locked.id
""")
_BEGIN: Final = text("UPDATE element_contract SET clocks_from = :now WHERE tenant_id = :t")
"""For values received before the suspension and released after it."""


async def move_clocks(session: AsyncSession, since: datetime, now: datetime) -> None:
    """Move the clocks of the scope's client, suspended from `since` to `now`. Locks in the order of
    `governance.changes.repository`.
    """
    keys = {"t": scope_of(session).tenant_id, "since": since, "now": now}
    await session.execute(_BEGIN, keys)
    await session.execute(_DECISIONS, keys)
    following = await exclude_time(session, since=since, now=now)
    await extend_approvals(session, scope_of(session), since=since, now=now)
    await session.execute(_CORRECTIONS, keys)
    if following is not None:
        await start_clock(session, following)
