"""Requests to calculate the tax of drafts."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.errors import PartyMissing
from billing.states import OPEN
from billing.tax_service.calculations import find_calculation, hash_question, read_question
from billing.taxes.job_types import CALCULATE_TAX, LANE
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.state_machine import in_sql

_AGAIN_AFTER: Final = timedelta(hours=6)
"""Time from a failed calculation of the same draft to the next one without a person's request."""


async def request_calculation(session: AsyncSession, invoice_id: UUID, *, now: datetime) -> None:
    """Enqueue the calculation of a draft, in the client's scope.

    Raises:
        NotFound: the client has no such retail invoice.
        Conflict: it is no draft, or tax is calculated by own rates.
        PartyMissing: the buyer has no billing details.
    """
    known = await session.scalar(
        text("SELECT state FROM invoice WHERE tenant_id = :t AND id = :id AND side = 'retail'"),
        {"t": scope_of(session).tenant_id, "id": invoice_id},
    )
    if known is None:
        raise NotFound
    if await read_question(session, invoice_id, now=now) is None:
        raise Conflict(N_("Only drafts are calculated, and only if the legal entity has a tax service."))
    _enqueue(session, invoice_id)


async def request_due_calculations(session: AsyncSession, now: datetime) -> None:
    """Enqueue the calculation of the client's drafts of ended periods that changed since the last one."""
    rows = await session.scalars(_ENDED, {"t": scope_of(session).tenant_id, "now": now})
    for invoice_id in list(rows):
        try:
            found = await read_question(session, invoice_id, now=now)
        except PartyMissing:  # shown at month close
            return
        if found is None:
            return
        row = await find_calculation(session, invoice_id)
        is_current = row is not None and row.question_hash == hash_question(found[0])
        is_refused = row is not None and row.failed_at is not None and now - row.failed_at < _AGAIN_AFTER
        if not is_current and not is_refused:
            _enqueue(session, invoice_id)


def _enqueue(session: AsyncSession, invoice_id: UUID) -> None:
    enqueue(session, [NewJob(LANE, CALCULATE_TAX, key=str(invoice_id), ref=invoice_id)])


_ENDED = text(f"""
    SELECT id FROM invoice WHERE tenant_id = :t AND side = 'retail' AND state IN ({in_sql(OPEN)})
       AND period_end <= :now ORDER BY period_start LIMIT 24
""")
