"""Invoice API. With a client in the path, that client's own; without, the MSP's, of all its clients."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from billing.invoices.close import close_invoice
from billing.invoices.repository import MOST_EVENTS, list_invoices, load_invoice, open_line
from billing.permissions import BillingPermission
from billing.schemas import InvoiceDetail, InvoiceSummary, LineEvents
from foundation.errors import InvalidInput
from foundation.web.api import post
from tenants.routes import OpenAccess

_INVOICES: Final = ["/api/v1/invoices", "/api/v1/clients/{client:str}/invoices"]
_INVOICE: Final = [f"{path}/{{invoice_id:uuid}}" for path in _INVOICES]
_EVENTS: Final = [f"{path}/lines/{{line_id:uuid}}/events" for path in _INVOICE]
_READ: Final = {"permission": BillingPermission.READ_INVOICES, "fleet": True}
_MOST_INVOICES: Final = 200


class InvoiceList(msgspec.Struct, frozen=True):
    items: Sequence[InvoiceSummary]


@get(_INVOICES, opt=_READ, tags=["invoices"])
async def get_invoices(access: OpenAccess, limit: FromQuery[int] = 50) -> InvoiceList:
    """Newest period first. Amounts are whole numbers of the currency's smallest unit."""
    if not 1 <= limit <= _MOST_INVOICES:
        raise InvalidInput(f"A page has 1 to {_MOST_INVOICES} invoices.", field="limit")
    return InvoiceList(await list_invoices(access.session, limit=limit))


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


ROUTES: Final[tuple[Any, ...]] = (get_invoices, get_invoice, get_line_events, post_closure)
