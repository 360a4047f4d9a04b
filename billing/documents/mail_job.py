"""Job that mails an invoice with its PDF to the billing contact, in the language of the document, under the brand."""

import asyncio
from dataclasses import dataclass
from typing import Final

from babel.dates import format_date
from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents.amounts import write_amount
from billing.documents.formats import FORMATS, DocumentFormat, file_name
from billing.documents.store import find_content, store_documents, write_documents
from billing.invoices.repository import find_snapshot, load_invoice
from billing.job_types import InvoiceMail
from billing.schemas import InvoiceSummary
from billing.snapshot import InvoiceSnapshot
from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from tenants.mail.mail_types import CREDIT_NOTE, INVOICE, INVOICE_REMINDER
from tenants.mail.mailer import Attachment, Mailer, Portal, Recipient

_NO_PORTAL: Final = Portal("", None)
"""The mail has no link, and is sent under the MSP's first brand, as the document is."""


@dataclass(frozen=True, slots=True)
class InvoiceMails:
    """Dependencies of the job."""

    mailer: Mailer
    clock: Clock


def mail_handler(needs: InvoiceMails) -> Handler[InvoiceMail]:
    async def mail_invoice(batch: Batch[InvoiceMail]) -> None:
        (item,) = batch.items
        if item.ref is None:
            return
        async with batch.read() as session:
            found = await find_snapshot(session, item.ref)
            stored = await find_content(session, batch.scope.tenant_id, item.ref, DocumentFormat.PDF)
        missing = found is not None and stored is None
        made = await asyncio.to_thread(write_documents, found[1]) if found is not None and missing else {}
        async with batch.commit() as session:
            if found is None:
                return
            await store_documents(session, item.ref, found[0], made, now=needs.clock())
            invoice = (await load_invoice(session, item.ref)).invoice
            await _queue(session, needs, invoice, found[1], item.payload)

    return mail_invoice


async def _queue(
    session: AsyncSession, needs: InvoiceMails, invoice: InvoiceSummary, document: InvoiceSnapshot, wanted: InvoiceMail
) -> None:
    """Queue the mail, unless it is a reminder of an invoice that was paid meanwhile."""
    pdf = await find_content(session, scope_of(session).tenant_id, invoice.id, DocumentFormat.PDF)
    if pdf is None or (wanted.is_reminder and invoice.balance_minor <= 0):
        return
    kind, language = DocumentFormat.PDF, document.language
    due = invoice.balance_minor if wanted.is_reminder else abs(invoice.gross_minor)
    values = {"due": format_date(document.due_on, "long", language)}
    mail = INVOICE_REMINDER if wanted.is_reminder else INVOICE
    if document.is_credit:
        mail, values = CREDIT_NOTE, {}
    await needs.mailer.queue(
        session, mail, Recipient(wanted.to, document.buyer.name, language), portal=_NO_PORTAL, now=needs.clock(),
        attachments=[Attachment(file_name(document, kind), FORMATS[kind].media_type, pdf)],
        number=document.number, account=document.seller.name, amount=write_amount(due, document.currency, language),
        **values,
    )  # fmt: skip
