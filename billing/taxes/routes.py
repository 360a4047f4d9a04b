"""API of calculated tax."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath

from billing.invoices.repository import load_invoice
from billing.permissions import BillingPermission
from billing.schemas import InvoiceDetail
from billing.taxes.request import request_calculation
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess


@post(
    "/api/v1/clients/{client:str}/invoices/{invoice_id:uuid}/tax-calculation",
    opt={"permission": BillingPermission.ISSUE_INVOICE},
    tags=["invoices"],
    status_code=202,
)
async def calculate_invoice_tax(access: OpenAccess, invoice_id: FromPath[UUID]) -> InvoiceDetail:
    """Calculate the tax of a draft by the tax service, as happens hourly after the month. `tax_calculation` follows."""
    await request_calculation(access.session, invoice_id, now=access.now)
    return await load_invoice(access.session, invoice_id)


ROUTES: Final[tuple[Any, ...]] = (calculate_invoice_tax,)
