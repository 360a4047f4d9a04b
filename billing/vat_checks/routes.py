"""API of checks of VAT ids."""

from typing import Any, Final

from litestar import get

from billing.legal_entities.repository import find_billing_details
from billing.permissions import BillingPermission
from billing.vat_checks.request import request_vat_check
from billing.vat_register.store import VatCheckView, find_check
from foundation.errors import NotFound
from foundation.marks import N_
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/api/v1/clients/{client:str}/billing-details/vat-check"


@get(_PATH, opt={"permission": BillingPermission.READ_INVOICES}, tags=["invoices"])
async def show_vat_check(access: OpenAccess) -> VatCheckView:
    """Return the newest check of the VAT id in the billing details. 404 if there is none."""
    details = await find_billing_details(access.session)
    found = None if details is None or not details.vat_id else await find_check(access.session, details.vat_id)
    if found is None:
        raise NotFound(N_("This id was not checked in VIES yet."))
    return found


@post(_PATH, opt={"permission": BillingPermission.WRITE_BILLING_DETAILS}, tags=["invoices"], status_code=202)
async def check_vat_id(access: OpenAccess) -> None:
    """Check the VAT id of the invoices' recipient in VIES, as happens when it is entered and before reverse charge."""
    await request_vat_check(access.session)


ROUTES: Final[tuple[Any, ...]] = (show_vat_check, check_vat_id)
