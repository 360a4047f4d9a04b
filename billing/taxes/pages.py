"""Request of a tax calculation on an invoice's page."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.permissions import BillingPermission
from billing.taxes.request import request_calculation
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from tenants.web.dependencies import OpenAccess


@post(
    "/clients/{client:str}/invoices/{invoice_id:uuid}/tax-calculation",
    opt={"permission": BillingPermission.ISSUE_INVOICE},
    include_in_schema=False,
)
async def calculate_invoice_tax_page(access: OpenAccess, invoice_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, request_calculation(access.session, invoice_id, now=access.now))
    if refusal is not None:
        raise refusal
    return redirect_to(access, f"/invoices/{invoice_id}", done=translate("The tax is being calculated"))


PAGES: Final[tuple[HTTPRouteHandler, ...]] = (calculate_invoice_tax_page,)
