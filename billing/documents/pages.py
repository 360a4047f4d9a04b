"""Downloads of a finalised invoice: the PDF with the e-invoice inside, and the e-invoice alone."""

import asyncio
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from billing.documents.cii import write_cii
from billing.documents.pdf import write_pdf
from billing.invoices.repository import load_invoice
from billing.permissions import BillingPermission
from billing.snapshot import InvoiceSnapshot
from foundation.errors import NotFound
from foundation.marks import N_
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_INVOICE: Final = [f"{root}/{{invoice_id:uuid}}" for root in ("/invoices", "/clients/{client:str}/invoices")]
_READ: Final = {"permission": BillingPermission.READ_INVOICES, "fleet": True}


@get([f"{path}/document.pdf" for path in _INVOICE], opt=_READ, include_in_schema=False)
async def download_pdf(access: OpenAccess, invoice_id: FromPath[UUID]) -> Response[bytes]:
    """The invoice as PDF/A-3 with the e-invoice inside (Factur-X)."""
    document = await _document(access, invoice_id)
    made = await asyncio.to_thread(write_pdf, document)
    return _download(made, "application/pdf", f"{_file_name(document)}.pdf")


@get([f"{path}/e-invoice.xml" for path in _INVOICE], opt=_READ, include_in_schema=False)
async def download_cii(access: OpenAccess, invoice_id: FromPath[UUID]) -> Response[bytes]:
    """The e-invoice alone: Cross Industry Invoice of EN 16931."""
    document = await _document(access, invoice_id)
    made = await asyncio.to_thread(write_cii, document)
    return _download(made, "application/xml", f"{_file_name(document)}.xml")


DOCUMENT_PAGES: Final[tuple[Any, ...]] = (download_pdf, download_cii)


async def _document(access: Access, invoice_id: UUID) -> InvoiceSnapshot:
    document = (await load_invoice(access.session, invoice_id)).document
    if document is None:
        raise NotFound(N_("This invoice has no document: it is a draft, or was finalised without a number."))
    return document


def _file_name(document: InvoiceSnapshot) -> str:
    """The number, without characters that separate folders."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in document.number)


def _download(content: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
