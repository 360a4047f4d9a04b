"""Request of a check on the page of the billing details."""

from typing import Any, Final

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from billing.permissions import BillingPermission
from billing.vat_checks.request import request_vat_check
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from tenants.web.dependencies import OpenAccess


@post(
    "/clients/{client:str}/billing-details/vat-check",
    opt={"permission": BillingPermission.WRITE_BILLING_DETAILS},
    include_in_schema=False,
)
async def check_vat_id_page(access: OpenAccess) -> Response[Any]:
    refusal = await run_action(access.session, request_vat_check(access.session))
    if refusal is not None:
        raise refusal
    return redirect_to(access, "/billing-details", done=translate("The VAT id is being checked"))


PAGES: Final[tuple[HTTPRouteHandler, ...]] = (check_vat_id_page,)
