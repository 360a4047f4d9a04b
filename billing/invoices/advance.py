"""Daily moves of a client's invoices: drafts whose period is over, invoices past their due day, and reminders."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.mailing import mail_invoice
from billing.invoices.steps import NewStep, StepCause, lock_issued, write_step
from billing.legal_entities.repository import find_issuer
from billing.sides import Side, as_rater
from billing.states import INVOICES, InvoiceState
from foundation.database.engine import scope_of
from foundation.ids import NewId
from foundation.state_machine import in_sql

_DUE = INVOICES.before(InvoiceState.OVERDUE)


async def advance_invoices(session: AsyncSession, now: datetime, *, new_id: NewId) -> None:
    """Move the client's invoices, in its scope. Repeated runs of a day do nothing more."""
    scope = scope_of(session)
    async with as_rater(session):
        await session.execute(
            text(f"""
                UPDATE invoice SET state = '{InvoiceState.GRACE}', updated_at = :now
                 WHERE tenant_id = :tenant AND state = '{InvoiceState.DRAFT}' AND period_end <= :now
            """),
            {"tenant": scope.tenant_id, "now": now},
        )
        issuer = await find_issuer(session, Side.RETAIL)
    if issuer is None:
        return
    late = await session.scalars(
        text(f"""
            SELECT i.id FROM invoice i JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id
             WHERE i.tenant_id = :tenant AND i.side = 'retail'
               AND x.due_on < (CAST(:now AS timestamptz) AT TIME ZONE coalesce(x.snapshot ->> 'time_zone', 'UTC'))::date
               AND x.gross_minor > i.paid_minor + i.credited_minor
               AND i.state IN ({in_sql([*_DUE, InvoiceState.OVERDUE])})
             ORDER BY x.due_on, i.id
        """),
        {"tenant": scope.tenant_id, "now": now},
    )
    for invoice_id in list(late):
        invoice = await lock_issued(session, invoice_id)
        if invoice.state is not InvoiceState.OVERDUE:
            await write_step(session, invoice, NewStep(StepCause.DUE_DAY, InvoiceState.OVERDUE), now=now, new_id=new_id)
            invoice = await lock_issued(session, invoice_id)
        days, today = issuer.entity.dunning_days, invoice.day_of(now)
        reached = sum(1 for day in days if invoice.due_on and invoice.due_on + timedelta(days=day) <= today)
        if reached > invoice.dunning_level:
            to = await mail_invoice(session, invoice, is_reminder=True)
            step = NewStep(StepCause.REMINDER, InvoiceState.OVERDUE, invoice.balance_minor, to, dunning_level=reached)
            await write_step(session, invoice, step, now=now, new_id=new_id)
