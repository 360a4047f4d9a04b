"""Invoice API. With a client in the path, the client's own invoices; without, those of all the MSP's clients."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath, JSONBody

from billing.client_prices.prices import (
    ClientPriceInput,
    ClientPrices,
    PricedClient,
    PriceSet,
    load_client_prices,
    set_client_price,
)
from billing.invoices.balance import keep_on_balance, pay_from_balance
from billing.invoices.close import close_invoice
from billing.invoices.inputs import CreditInput, InvoiceActInput, PaymentInput
from billing.invoices.line_cells import list_line_cells
from billing.invoices.lists import INVOICES, LINE_EVENTS
from billing.invoices.repository import load_invoice, load_line
from billing.invoices.settle import NewCredit, NewPayment, act_on_invoice, create_credit_note, record_payment
from billing.permissions import BillingPermission
from billing.price_books.routes import PRICE_BOOK_ROUTES
from billing.price_books.version import read_own_version, require_own_version
from billing.schemas import InvoiceDetail, LineCell
from billing.web.dependencies import KnownMeters
from foundation.ids import new_id
from foundation.web.api import post
from foundation.web.etags import GuardedOperation, read_etag, tagged
from tenants.accounts import get_client_by_slug
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_INVOICES: Final = ["/api/v1/invoices", "/api/v1/clients/{client:str}/invoices"]
_INVOICE: Final = [f"{path}/{{invoice_id:uuid}}" for path in _INVOICES]
_EVENTS: Final = [f"{path}/lines/{{line_id:uuid}}/events" for path in _INVOICE]
_OWN: Final = "/api/v1/clients/{client:str}/invoices/{invoice_id:uuid}"
_ISSUE: Final = {"permission": BillingPermission.ISSUE_INVOICE}
_READ: Final = {"permission": BillingPermission.READ_INVOICES, "fleet": True}

INVOICE_LIST: Final = list_route(
    INVOICES,
    _INVOICES,
    opt=_READ,
    tags=["invoices"],
    about="List invoices, newest period first. Amounts are whole numbers of the currency's smallest unit.",
)


@get(_INVOICE, opt=_READ, tags=["invoices"])
async def show_invoice(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Return an invoice with its lines."""
    found = await load_invoice(access.session, invoice_id)
    return found if access.may(BillingPermission.ISSUE_INVOICE) else found.for_payer()


LINE_EVENT_LIST: Final = list_route(
    LINE_EVENTS,
    _EVENTS,
    opt=_READ,
    tags=["invoices"],
    about="List the usage events that a line is made of, oldest first.",
)


@get([f"{path}/lines/{{line_id:uuid}}/cells" for path in _INVOICE], opt=_READ, tags=["invoices"])
async def list_cells(access: OpenAccess, invoice_id: FromPath[UUID], line_id: FromPath[UUID]) -> Sequence[LineCell]:
    """List a line's usage and amount by cell of its price by dimension; empty for other prices. Amounts are exact."""
    return await list_line_cells(access.session, (await load_line(access.session, line_id, invoice_id=invoice_id)).line)


@post(
    "/api/v1/clients/{client:str}/invoices/{invoice_id:uuid}/closure",
    opt={"permission": BillingPermission.ISSUE_INVOICE},
    tags=["invoices"],
    status_code=200,
)
async def close_draft(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Close the draft of a month that has ended. It becomes final; later usage is billed in the next month."""
    await close_invoice(access.session, invoice_id, now=access.now)
    return await load_invoice(access.session, invoice_id)


@post(f"{_OWN}/acts", opt=_ISSUE, tags=["invoices"], status_code=200)
async def act_on_finalised_invoice(
    access: OpenAccess, invoice_id: FromPath[UUID], data: JSONBody[InvoiceActInput]
) -> InvoiceDetail:
    """Send, remind of, suspend, write off or void an invoice. The first two mail it, the others need a reason."""
    await act_on_invoice(access.session, invoice_id, data.act, reason=data.reason, now=access.now, new_id=new_id)
    return await load_invoice(access.session, invoice_id)


@post(f"{_OWN}/payments", opt=_ISSUE, tags=["invoices"], status_code=201)
async def create_payment(access: OpenAccess, invoice_id: FromPath[UUID], data: JSONBody[PaymentInput]) -> InvoiceDetail:
    """Record a payment that was made outside the product, in minor units; a negative amount takes one back."""
    payment = NewPayment(paid_on=data.paid_on, amount_minor=data.amount_minor, reference=data.reference)
    await record_payment(access.session, invoice_id, payment, now=access.now, new_id=new_id)
    return await load_invoice(access.session, invoice_id)


@post(f"{_OWN}/credit-notes", opt=_ISSUE, tags=["invoices"], status_code=201)
async def create_credit(access: OpenAccess, invoice_id: FromPath[UUID], data: JSONBody[CreditInput]) -> InvoiceDetail:
    """Credit net amounts by line, or one net amount, or all that is left, each with its part of the tax."""
    lines = {line.line_id: line.net_minor for line in data.lines}
    credit = NewCredit(reason=data.reason, net_minor=data.net_minor, lines=lines)
    await create_credit_note(access.session, invoice_id, credit, now=access.now, new_id=new_id)
    return await load_invoice(access.session, invoice_id)


@post(f"{_OWN}/balance-payments", opt=_ISSUE, tags=["invoices"], status_code=201)
async def pay_invoice_from_balance(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Pay the balance from the client's credit, as far as that suffices."""
    await pay_from_balance(access.session, invoice_id, now=access.now, new_id=new_id)
    return await load_invoice(access.session, invoice_id)


@post(f"{_OWN}/kept-balance", opt=_ISSUE, tags=["invoices"], status_code=201)
async def keep_invoice_balance(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Add the overpaid or over-credited amount, or that of a credit note, to the client's credit."""
    await keep_on_balance(access.session, invoice_id, now=access.now, new_id=new_id)
    return await load_invoice(access.session, invoice_id)


@get("/api/v1/clients/{client:str}/prices", opt={"permission": BillingPermission.READ_PRICE_BOOKS}, tags=["prices"])
async def show_client_prices(access: OpenAccess) -> Response[ClientPrices]:
    """Retail prices that apply to a client: its own, and the common ones of other meters. `ETag`: of its own prices."""
    client = access.require_client()
    await access.enter_fleet()
    found = await load_client_prices(access.session, client.tenant_id, now=access.now)
    return tagged(found, await read_own_version(access.session, client.tenant_id))


@post(
    "/api/v1/prices",
    opt={"permission": BillingPermission.WRITE_PRICE_BOOKS},
    tags=["prices"],
    operation_class=GuardedOperation,
)
async def set_price_of_client(
    request: Request[Any, Any, Any], access: OpenAccess, meters: KnownMeters, data: JSONBody[ClientPriceInput]
) -> PriceSet:
    """Set a retail price of one client, from now or a later day on. It replaces the common one."""
    meter = meters.require(data.meter)
    await access.enter_fleet()
    try:
        client = await get_client_by_slug(access.session, data.client)
        priced = PricedClient(client.tenant_id, client.currency)
    finally:  # prices, and the request's own records, belong to the MSP account
        await access.enter_home()
    await require_own_version(access.session, priced.client_id, read_etag(request))
    return await set_client_price(
        access.session, priced, meter=meter.name, description=data.description or meter.label,
        terms=data.terms, valid_from=data.valid_from, now=access.now, new_id=new_id,
    )  # fmt: skip


ROUTES: Final[tuple[Any, ...]] = (
    INVOICE_LIST, show_invoice, LINE_EVENT_LIST, list_cells, close_draft, act_on_finalised_invoice,
    create_payment, create_credit, pay_invoice_from_balance, keep_invoice_balance, show_client_prices,
    set_price_of_client, *PRICE_BOOK_ROUTES,
)  # fmt: skip
