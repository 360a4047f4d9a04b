"""Downloads of a finalised invoice: the PDF with the e-invoice inside, and the e-invoice alone in two syntaxes."""

import asyncio
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath

from billing.documents.formats import FORMATS, file_name
from billing.invoices.repository import load_invoice
from billing.permissions import BillingPermission
from foundation.errors import NotFound
from foundation.marks import N_
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
    document = (await load_invoice(access.session, invoice_id)).document
    if document is None:
        raise NotFound(N_("This invoice has no document: it is a draft, or was finalised without a number."))
    made = await asyncio.to_thread(FORMATS[kind].write, document)
    headers = {"Content-Disposition": f'attachment; filename="{file_name(document, kind)}"'}
    return Response(made, media_type=FORMATS[kind].media_type, headers=headers)


DOCUMENT_PAGES: Final[tuple[Any, ...]] = (download_document,)
