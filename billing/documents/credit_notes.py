"""The document of a credit note: the credited amounts by rate of tax, with the invoice's parties."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents.formats import FORMATS, DocumentFormat, name_file
from billing.documents.store import Download, find_content
from billing.invoices.repository import load_invoice
from billing.legal_entities.tax import TaxAmount, TaxRule, credited_tax
from billing.sides import Side, as_rater
from billing.snapshot import InvoiceSnapshot, SnapshotLine, credited_nets, decode_snapshot
from canonical.money import decimal_amount
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.marks import N_

PRODUCT: Final = "credit_note"


async def find_credit_snapshot(session: AsyncSession, note_id: UUID) -> tuple[Side, InvoiceSnapshot] | None:
    """The document of a credit note of the scope's account; None without a number. For jobs."""
    async with as_rater(session):
        rows = (await session.execute(_NOTES, {"tenant": scope_of(session).tenant_id, "id": note_id})).all()
    document = decode_snapshot(rows[0].snapshot) if rows else None
    if document is None:
        return None
    before: dict[TaxRule, int] = {}
    for row in rows:
        lines = {UUID(key): int(amount) for key, amount in row.lines.items()}
        nets = credited_nets(document, row.net_minor, lines, before)
        if row.id == note_id:
            return (Side(row.side), _credited(document, row, nets, before)) if row.number else None
        for rule, minor in nets.items():
            before[rule] = before.get(rule, 0) + minor
    return None


async def read_credit_document(
    session: AsyncSession, invoice_id: UUID, note_id: UUID, kind: DocumentFormat
) -> Download:
    """A stored document of a credit note.

    Raises:
        NotFound: no such credit note of an invoice visible to the reader, or it has no document, or not yet.
    """
    client_id = (await load_invoice(session, invoice_id)).invoice.client_id
    number = await session.scalar(
        text("SELECT number FROM credit_note WHERE tenant_id = :tenant AND id = :id AND invoice_id = :invoice"),
        {"tenant": client_id, "id": note_id, "invoice": invoice_id},
    )
    if number is None:
        raise NotFound
    content = await find_content(session, client_id, note_id, kind)
    if content is None:
        raise NotFound(N_("The documents of this invoice are being made. Try again in a moment."))
    return Download(name_file(number, kind), FORMATS[kind].media_type, content)


def _credited(
    document: InvoiceSnapshot, row: Row[Any], nets: Mapping[TaxRule, int], before: Mapping[TaxRule, int]
) -> InvoiceSnapshot:
    """Amounts are negative, as in a document that takes back; each rate has a line of its own."""
    known = {rule: minor for rule, minor in nets.items() if minor}
    lines = [
        SnapshotLine(
            id=uuid5(row.id, str(place)), product=PRODUCT, description=f"{document.number}: {row.reason}",
            service_from=document.period_start, service_to=document.period_end, quantity=Decimal(-1),
            unit_price=decimal_amount(minor, document.currency), net_minor=-minor, tax=rule,
        )
        for place, (rule, minor) in enumerate(known.items())
    ]  # fmt: skip
    taxes = [
        TaxAmount(rule, -minor, -credited_tax(document.taxes, {rule: minor}, before)) for rule, minor in known.items()
    ]
    return msgspec.structs.replace(
        document, number=row.number, issued_on=row.issued_on, due_on=row.issued_on, lines=lines, taxes=taxes,
        rules=None, is_subscribed=False, preceding_number=document.number, preceding_on=document.issued_on,
    )  # fmt: skip


_NOTES: Final = text("""
    SELECT e.*, x.snapshot
      FROM credit_note c
      JOIN issued_invoice x ON x.tenant_id = c.tenant_id AND x.invoice_id = c.invoice_id
      JOIN credit_note e ON e.tenant_id = c.tenant_id AND e.invoice_id = c.invoice_id
     WHERE c.tenant_id = :tenant AND c.id = :id ORDER BY e.created_at, e.id
""")
