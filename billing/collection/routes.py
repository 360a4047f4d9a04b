"""API of collection by the payment provider."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath

from billing.collection.collect_job import request_collection
from billing.collection.lists import DRIFT
from billing.collection.sandbox import pay_in_sandbox
from billing.invoices.repository import load_invoice
from billing.permissions import BillingPermission
from billing.schemas import InvoiceDetail
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_INVOICE: Final = "/api/v1/clients/{client:str}/invoices/{invoice_id:uuid}"
DRIFT_LIST: Final = list_route(
    DRIFT,
    "/api/v1/payment-differences",
    opt={"permission": BillingPermission.READ_PRICE_BOOKS, "fleet": True},
    tags=["payments"],
    about="List the invoices whose amounts here and at the payment provider differ, in minor units.",
)


@post(f"{_INVOICE}/collection", opt={"permission": BillingPermission.ISSUE_INVOICE}, tags=["payments"], status_code=202)
async def collect_invoice_again(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Bring a sent invoice to the payment provider, or its state there up to date, as happens after each step."""
    await request_collection(access.session, invoice_id)
    return await load_invoice(access.session, invoice_id)


@post(f"{_INVOICE}/sandbox-payment", opt={"permission": BillingPermission.PAY_INVOICE}, tags=["payments"])
async def pay_invoice_in_sandbox(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Pay an invoice in the sandbox, where no money moves."""
    await pay_in_sandbox(access.session, invoice_id, now=access.now)
    return await load_invoice(access.session, invoice_id)


ROUTES: Final[tuple[Any, ...]] = (DRIFT_LIST, collect_invoice_again, pay_invoice_in_sandbox)
