"""API of the documents of finalised invoices."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from billing.documents.credit_notes import read_credit_document
from billing.documents.formats import DocumentFormat
from billing.documents.pages import send_file
from billing.documents.store import DocumentView, list_documents, read_document
from billing.permissions import BillingPermission
from foundation.errors import NotFound
from tenants.web.dependencies import OpenAccess

_INVOICE: Final = [
    f"{root}/{{invoice_id:uuid}}/documents" for root in ("/api/v1/invoices", "/api/v1/clients/{client:str}/invoices")
]
_CREDIT_NOTE: Final = [path.replace("/documents", "/credit-notes/{note_id:uuid}/documents") for path in _INVOICE]
_READ: Final = {"permission": BillingPermission.READ_INVOICES, "fleet": True}


@get(_INVOICE, opt=_READ, tags=["invoices"])
async def list_invoice_documents(access: OpenAccess, invoice_id: FromPath[UUID]) -> Sequence[DocumentView]:
    """List the documents of an invoice with their hashes. They are made once, within moments of finalising."""
    return await list_documents(access.session, invoice_id)


@get([f"{path}/{{kind:str}}" for path in _INVOICE], opt=_READ, include_in_schema=False)
async def download_invoice_document(
    access: OpenAccess, invoice_id: FromPath[UUID], kind: FromPath[str]
) -> Response[bytes]:
    """The file: `pdf`, `cii` or `ubl`."""
    if kind not in list(DocumentFormat):
        raise NotFound
    return send_file(await read_document(access.session, invoice_id, DocumentFormat(kind)))


@get([f"{path}/{{kind:str}}" for path in _CREDIT_NOTE], opt=_READ, include_in_schema=False)
async def download_credit_document(
    access: OpenAccess, invoice_id: FromPath[UUID], note_id: FromPath[UUID], kind: FromPath[str]
) -> Response[bytes]:
    """The file of a credit note: `pdf`, `cii` or `ubl`."""
    if kind not in list(DocumentFormat):
        raise NotFound
    return send_file(await read_credit_document(access.session, invoice_id, note_id, DocumentFormat(kind)))


DOCUMENT_ROUTES: Final[tuple[Any, ...]] = (
    list_invoice_documents, download_invoice_document, download_credit_document,
)  # fmt: skip
