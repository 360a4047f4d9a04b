"""Invoice API. With a client in the path, that client's own; without, the MSP's, of all its clients."""

from typing import Any, Final
from uuid import UUID

from litestar import get
from litestar.params import FromPath, FromQuery

from billing.invoices.close import close_invoice
from billing.invoices.lists import INVOICES
from billing.invoices.repository import MOST_EVENTS, load_invoice, open_line
from billing.permissions import BillingPermission
from billing.schemas import InvoiceDetail, LineEvents
from foundation.errors import InvalidInput
from foundation.web.api import post
from tenants.routes import OpenAccess
from tenants.web.lists import list_route

_INVOICES: Final = ["/api/v1/invoices", "/api/v1/clients/{client:str}/invoices"]
_INVOICE: Final = [f"{path}/{{invoice_id:uuid}}" for path in _INVOICES]
_EVENTS: Final = [f"{path}/lines/{{line_id:uuid}}/events" for path in _INVOICE]
_READ: Final = {"permission": BillingPermission.READ_INVOICES, "fleet": True}

INVOICE_LIST: Final = list_route(
    INVOICES,
    _INVOICES,
    opt=_READ,
    tags=["invoices"],
    about="List invoices, newest period first. Amounts are whole numbers of the currency's smallest unit.",
)


@get(_INVOICE, opt=_READ, tags=["invoices"])
async def get_invoice(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """One invoice with its lines."""
    return await load_invoice(access.session, invoice_id)


@get(_EVENTS, opt=_READ, tags=["invoices"])
async def get_line_events(
    access: OpenAccess,
    invoice_id: FromPath[UUID],
    line_id: FromPath[UUID],
    cursor: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = 100,
) -> LineEvents:
    """The usage events a line is made of. Pass `next_cursor` as `cursor` until it is empty."""
    if not 1 <= limit <= MOST_EVENTS:
        raise InvalidInput(f"A page has 1 to {MOST_EVENTS} events.", field="limit")
    return await open_line(access.session, line_id, invoice_id=invoice_id, cursor=cursor, limit=limit)


@post(
    "/api/v1/clients/{client:str}/invoices/{invoice_id:uuid}/closure",
    opt={"permission": BillingPermission.ISSUE_INVOICE},
    tags=["invoices"],
    status_code=200,
)
async def post_closure(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Close a draft whose month is over: it stays as it is from now on. Usage that arrives later is billed next."""
    await close_invoice(access.session, invoice_id, now=access.now)
    return await load_invoice(access.session, invoice_id)


ROUTES: Final[tuple[Any, ...]] = (INVOICE_LIST, get_invoice, get_line_events, post_closure)
