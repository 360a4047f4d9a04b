"""Skipping of the baseline: a new client's values are decided one by one instead."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.marks import N_
from governance.audit_actions import GovernanceAction
from governance.elements.value_hold import HoldEnd, end_hold


async def skip_baseline(session: AsyncSession, *, now: datetime) -> None:
    """Decide the held values of the scope's client without a baseline.

    Raises:
        Conflict: the client's values are not held for a baseline.
    """
    if not await end_hold(session, HoldEnd.SKIPPED, now=now):
        raise Conflict(N_("No values wait for a baseline, so there is nothing to skip."))
    subject = f"client:{scope_of(session).tenant_id}"
    append_audit(session, action=GovernanceAction.BASELINE_SKIPPED, subject=subject, data={}, at=now)
