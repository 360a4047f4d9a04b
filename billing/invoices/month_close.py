"""Month close: drafts of ended periods of all clients, and the requirements that each still lacks."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period
from billing.reconciliation.queries import reconcile
from billing.states import OPEN
from canonical.money import Money
from foundation.database.engine import scope_of
from foundation.errors import Forbidden
from foundation.marks import N_
from foundation.state_machine import in_sql


class OpenInvoice(msgspec.Struct, frozen=True):
    """A draft of an ended period. `unpriced` and `waiting` count the client's usage events of the period without a
    line; `seller` and `buyer`: their details are entered; `tax_failed`: the tax service did
    not calculate it.
    """

    id: UUID
    client_id: UUID
    period_start: datetime
    period_end: datetime
    currency: str
    total_minor: int
    seller: bool
    buyer: bool
    unpriced: int
    waiting: int
    tax_failed: bool = False

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def is_ready(self) -> bool:
        return (self.buyer or not self.seller) and not (self.unpriced or self.waiting or self.tax_failed)


async def list_open_invoices(session: AsyncSession, now: datetime) -> Sequence[OpenInvoice]:
    """List drafts of ended periods, oldest first, in a fleet scope.

    Raises:
        Forbidden: the scope is not a fleet's.
    """
    scope = scope_of(session)
    if not scope.fleet:
        raise Forbidden(N_("Month close is for the MSP's own members only."))
    rows = (await session.execute(_OPEN, {"msp": scope.msp_id, "now": now})).all()
    counts: dict[tuple[datetime, UUID], tuple[int, int]] = {}
    for period in {Period(row.period_start, row.period_end) for row in rows}:
        for meter in (await reconcile(session, period=period)).meters:
            unpriced, waiting = counts.get((period.start, meter.client_id), (0, 0))
            found = (unpriced + meter.retail.unattributed, waiting + meter.retail.waiting)
            counts[period.start, meter.client_id] = found
    return [
        OpenInvoice(
            row.id, row.client_id, row.period_start, row.period_end, row.currency, row.total_minor, row.seller,
            row.buyer, *counts.get((row.period_start, row.client_id), (0, 0)), tax_failed=row.tax_failed,
        )
        for row in rows
    ]  # fmt: skip


_TODAY = "(CAST(:now AS timestamptz) AT TIME ZONE e.time_zone)::date"
_OPEN = text(f"""
    SELECT i.id, i.client_id, i.period_start, i.period_end, i.currency, i.total_minor,
           EXISTS (SELECT 1 FROM legal_entity e JOIN tax_rate r ON r.tenant_id = e.tenant_id AND r.side = e.side
                    WHERE e.tenant_id = :msp AND e.side = 'retail' AND r.valid_from <= {_TODAY})
           OR EXISTS (SELECT 1 FROM legal_entity e WHERE e.tenant_id = :msp AND e.side = 'retail'
                         AND e.tax_source <> 'own') AS seller,
           EXISTS (SELECT 1 FROM billing_details d WHERE d.tenant_id = i.client_id AND d.msp_id = :msp) AS buyer,
           EXISTS (SELECT 1 FROM tax_calculation c WHERE c.tenant_id = i.tenant_id AND c.invoice_id = i.id
                      AND c.failure <> '') AS tax_failed
      FROM invoice i
     WHERE i.msp_id = :msp AND i.side = 'retail' AND i.state IN ({in_sql(OPEN)}) AND i.period_end <= :now
     ORDER BY i.period_start, i.client_id, i.id LIMIT 1000
""")
