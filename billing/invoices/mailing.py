"""Mailing of an invoice to the billing contact, by a job enqueued in the transaction of the step."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.steps import Issued
from billing.job_types import LANE, MAIL_INVOICE, InvoiceMail
from billing.legal_entities.repository import find_billing_details
from billing.sides import as_rater
from foundation.jobs.enqueue import NewJob, enqueue


async def mail_invoice(session: AsyncSession, invoice: Issued, *, is_reminder: bool) -> str:
    """Enqueue the mail, in the client's scope, and return the recipient's address; empty, without a job, if the billing
    details have no address or the invoice has no document.
    """
    to = await find_contact(session) if invoice.number else ""
    if to:
        payload = InvoiceMail(to=to, is_reminder=is_reminder)
        enqueue(session, [NewJob(LANE, MAIL_INVOICE, key=str(invoice.id), ref=invoice.id, payload=payload)])
    return to


async def find_contact(session: AsyncSession) -> str:
    """E-mail address of the billing contact of the scope's account: the payer's if another client pays."""
    async with as_rater(session):
        details = await find_billing_details(session)
        if details is not None and details.payer_id is not None:
            details = await find_billing_details(session, details.payer_id)
    return "" if details is None else details.email
