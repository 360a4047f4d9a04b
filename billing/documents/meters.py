"""Meter of the documents of a client's invoices."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents.formats import FORMATS, DocumentFormat
from billing.permissions import BillingPermission
from foundation.marks import N_, NN_
from foundation.usage.ledger import dated_id, subjects_of
from foundation.usage.meters import Meter, UsageDescription

_NAME: Final = "document.made"
_ID: Final = dated_id("d.made_at", "CAST(d.invoice_id AS text) || ' ' || d.format")
_MADE: Final = f"""
    SELECT {_ID} AS id, 1 AS quantity, d.made_at AS occurred_at, d.invoice_id AS subject_id
      FROM invoice_document d
     WHERE d.tenant_id = :t AND d.side = 'retail' AND d.made_at >= :since AND d.made_at < :until
"""


async def _describe(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    subjects = await subjects_of(session, client_id, _NAME, events)
    rows = await session.execute(
        text(f"""
            SELECT {_ID} AS event, d.format, coalesce(i.number, c.number, '') AS number,
                   coalesce(c.invoice_id, d.invoice_id) AS invoice_id
              FROM invoice_document d
              LEFT JOIN issued_invoice i ON i.tenant_id = d.tenant_id AND i.invoice_id = d.invoice_id
              LEFT JOIN credit_note c ON c.tenant_id = d.tenant_id AND c.id = d.invoice_id
             WHERE d.tenant_id = :t AND d.invoice_id = ANY (:ids)
        """),
        {"t": client_id, "ids": list(set(subjects.values()))},
    )
    return {
        row.event: UsageDescription(
            row.number, FORMATS[DocumentFormat(row.format)].address, "", f"/invoices/{row.invoice_id}"
        )
        for row in rows
        if row.event in subjects
    }


DOCUMENTS_MADE: Final = Meter(
    name=_NAME,
    unit=NN_("{number} document", "{number} documents"),
    label=N_("Documents of invoices"),
    permission=BillingPermission.READ_INVOICES,
    describe=_describe,
    collect=_MADE,
)
