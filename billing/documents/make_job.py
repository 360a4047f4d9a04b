"""Job that makes the documents of an invoice or a credit note. It is enqueued in the transaction that finalises the
invoice or makes the credit note, and by the repair for those that have none, such as those of a release without
documents.
"""

import asyncio
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents.credit_notes import find_credit_snapshot
from billing.documents.logo import find_logo
from billing.documents.store import store_documents, write_documents
from billing.invoices.repository import find_snapshot
from billing.job_types import LANE, MAKE_DOCUMENTS
from billing.sides import as_rater
from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.relations import DEAD_LETTERS, JOBS


def documents_handler(clock: Clock) -> Handler[NoPayload]:
    async def make_documents(batch: Batch[NoPayload]) -> None:
        (item,) = batch.items
        if item.ref is None:
            return
        async with batch.read() as session:
            found = await find_snapshot(session, item.ref) or await find_credit_snapshot(session, item.ref)
            logo = None if found is None else await find_logo(session, found[0])
        made = {} if found is None else await asyncio.to_thread(write_documents, found[1], logo)
        async with batch.commit() as session:
            if found is not None:
                await store_documents(session, item.ref, found[0], made, now=clock())

    return make_documents


async def repair_documents(session: AsyncSession, _: datetime) -> None:
    """Enqueue the job for some of the account's invoices and credit notes with a number that have no documents. Those
    with a pending or dead job are skipped.
    """
    async with as_rater(session):
        missing = (
            await session.scalars(_MISSING, {"tenant": scope_of(session).tenant_id, "kind": MAKE_DOCUMENTS.name})
        ).all()
    enqueue(session, [NewJob(LANE, MAKE_DOCUMENTS, key=str(one), ref=one) for one in missing])


_MISSING = text(f"""
    SELECT x.id
      FROM (SELECT tenant_id, invoice_id AS id, number, issued_on FROM issued_invoice
            UNION ALL SELECT tenant_id, id, number, issued_on FROM credit_note) x
     WHERE x.tenant_id = :tenant AND x.number IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM invoice_document d WHERE d.tenant_id = :tenant AND d.invoice_id = x.id)
       AND NOT EXISTS (SELECT 1 FROM {JOBS} j WHERE j.tenant_id = :tenant AND j.kind = :kind AND j.ref = x.id)
       AND NOT EXISTS (SELECT 1 FROM {DEAD_LETTERS} l
                        WHERE l.tenant_id = :tenant AND l.kind = :kind AND l.ref = x.id)
     ORDER BY x.issued_on, x.id LIMIT 50
""")
