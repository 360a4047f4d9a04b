"""Downloads of a finalised invoice: the PDF with the e-invoice inside, and the e-invoice alone in two syntaxes."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath

from billing.documents.credit_notes import read_credit_document
from billing.documents.formats import FORMATS
from billing.documents.store import Download, read_document
from billing.permissions import BillingPermission
from tenants.web.dependencies import OpenAccess

_INVOICE: Final = [f"{root}/{{invoice_id:uuid}}" for root in ("/invoices", "/clients/{client:str}/invoices")]
_BY_ADDRESS: Final = {details.address: kind for kind, details in FORMATS.items()}


@get(
    [f"{path}/{address}" for path in _INVOICE for address in _BY_ADDRESS],
    opt={"permission": BillingPermission.READ_INVOICES, "fleet": True},
    include_in_schema=False,
)
async def download_document(
    request: Request[Any, Any, Any], access: OpenAccess, invoice_id: FromPath[UUID]
) -> Response[bytes]:
    kind = _BY_ADDRESS[str(request.scope["path"]).rpartition("/")[2]]
    return send_file(await read_document(access.session, invoice_id, kind))


@get(
    [f"{path}/credit-notes/{{note_id:uuid}}/{address}" for path in _INVOICE for address in _BY_ADDRESS],
    opt={"permission": BillingPermission.READ_INVOICES, "fleet": True},
    include_in_schema=False,
)
async def download_credit_note(
    request: Request[Any, Any, Any], access: OpenAccess, invoice_id: FromPath[UUID], note_id: FromPath[UUID]
) -> Response[bytes]:
    kind = _BY_ADDRESS[str(request.scope["path"]).rpartition("/")[2]]
    return send_file(await read_credit_document(access.session, invoice_id, note_id, kind))


def send_file(download: Download) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{download.name}"'}
    return Response(download.content, media_type=download.media_type, headers=headers)


DOCUMENT_PAGES: Final[tuple[Any, ...]] = (download_document, download_credit_note)
