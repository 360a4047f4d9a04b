"""Storage of documents: made once, so that a later download gives the same bytes."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.documents.formats import FORMATS, DocumentFormat, file_name
from billing.documents.logo import DocumentLogo
from billing.documents.pdf import write_pdf
from billing.invoices.repository import load_invoice
from billing.sides import Side, as_rater
from billing.snapshot import InvoiceSnapshot
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.marks import N_
from foundation.text import REPLACEMENT

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters outside the production `Char` of XML 1.0, 2.2."""


class DocumentView(msgspec.Struct, frozen=True):
    """A stored document of an invoice. `sha256` is hexadecimal, of the file."""

    format: DocumentFormat
    media_type: str
    size_bytes: int
    sha256: str
    made_at: datetime


class Download(NamedTuple):
    name: str
    media_type: str
    content: bytes


async def store_documents(
    session: AsyncSession, invoice_id: UUID, side: Side, made: Mapping[DocumentFormat, bytes], *, now: datetime
) -> None:
    """Store the formats that are not stored yet, in the account's scope."""
    scope = scope_of(session)
    async with as_rater(session):
        for kind, content in made.items():
            await session.execute(
                text("""
                    INSERT INTO invoice_document (tenant_id, msp_id, invoice_id, format, side, file, sha256, made_at)
                    VALUES (:tenant, :msp, :invoice, :format, :side, :file, :sha256, :now) ON CONFLICT DO NOTHING
                """),
                {
                    "tenant": scope.tenant_id, "msp": scope.msp_id, "invoice": invoice_id, "format": kind.value,
                    "side": side.value, "file": content, "sha256": hashlib.sha256(content).hexdigest(), "now": now,
                },
            )  # fmt: skip


async def list_documents(session: AsyncSession, invoice_id: UUID) -> Sequence[DocumentView]:
    """The stored documents; empty for a draft, for an invoice without a number, and until they are made.

    Raises:
        NotFound: no such invoice, or it is not visible to the reader.
    """
    invoice = (await load_invoice(session, invoice_id)).invoice
    rows = await session.execute(
        text("""
            SELECT format, length(file) AS size, sha256, made_at FROM invoice_document
             WHERE tenant_id = :tenant AND invoice_id = :id
        """),
        {"tenant": invoice.client_id, "id": invoice_id},
    )
    found = {row.format: row for row in rows}
    return [
        DocumentView(kind, FORMATS[kind].media_type, found[kind].size, found[kind].sha256, found[kind].made_at)
        for kind in DocumentFormat
        if kind in found
    ]


async def read_document(session: AsyncSession, invoice_id: UUID, kind: DocumentFormat) -> Download:
    """A stored document.

    Raises:
        NotFound: as `list_documents`; or the invoice has no documents, or not yet.
    """
    detail = await load_invoice(session, invoice_id)
    if detail.document is None:
        raise NotFound(N_("This invoice has no document: it is a draft, or was finalised without a number."))
    content = await find_content(session, detail.invoice.client_id, invoice_id, kind)
    if content is None:
        raise NotFound(N_("The documents of this invoice are being made. Try again in a moment."))
    return Download(file_name(detail.document, kind), FORMATS[kind].media_type, content)


async def find_content(session: AsyncSession, tenant_id: UUID, invoice_id: UUID, kind: DocumentFormat) -> bytes | None:
    """The file of an account's invoice; None until it is made."""
    found = await session.scalar(
        text("""
            SELECT file FROM invoice_document
             WHERE tenant_id = :tenant AND invoice_id = :id AND format = :format
        """),
        {"tenant": tenant_id, "id": invoice_id, "format": kind.value},
    )
    return None if found is None else bytes(found)


def write_documents(document: InvoiceSnapshot, logo: DocumentLogo | None = None) -> Mapping[DocumentFormat, bytes]:
    """All formats. Takes about a second of computing time."""
    document = _writable(document)
    made = {kind: details.write(document) for kind, details in FORMATS.items() if kind is not DocumentFormat.PDF}
    return made | {DocumentFormat.PDF: write_pdf(document, logo)}


def _writable(document: InvoiceSnapshot) -> InvoiceSnapshot:
    """The document with U+FFFD for characters that XML cannot contain: texts that were stored before they were refused
    would otherwise leave the invoice without documents.
    """
    return msgspec.convert(_replaced(msgspec.to_builtins(document)), InvoiceSnapshot, strict=False)


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each) for each in value]
    return _NOT_XML.sub(REPLACEMENT, value) if isinstance(value, str) else value
