"""Closing of a client's draft by a member."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.draft import DraftInvoice, close_period
from billing.invoices.repository import load_invoice
from billing.periods import Period
from billing.sides import Side
from foundation.errors import NotFound


async def close_invoice(session: AsyncSession, invoice_id: UUID, *, now: datetime) -> DraftInvoice:
    """Close the retail invoice, in the client's scope. Only the operator closes the wholesale side.

    Raises:
        NotFound: the client has no such invoice.
        PeriodClosed, Conflict: see `close_period`.
    """
    invoice = (await load_invoice(session, invoice_id)).invoice
    if invoice.side is not Side.RETAIL:
        raise NotFound
    period = Period(invoice.period_start, invoice.period_end)
    return await close_period(session, side=invoice.side, period=period, now=now)
