"""API of the legal entity that issues invoices, and of the buyers' billing details."""

from typing import Any, Final

from litestar import get
from litestar.params import JSONBody

from billing.legal_entities.payers import find_payer
from billing.legal_entities.repository import (
    add_tax_rate,
    find_billing_details,
    find_issuer,
    set_billing_details,
    set_legal_entity,
)
from billing.legal_entities.schemas import (
    BillingDetailsInput,
    BillingDetailsView,
    Issuer,
    LegalEntityInput,
    TaxRateInput,
)
from billing.permissions import BillingPermission
from billing.sides import Side
from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.api import post, put
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess

_ENTITY: Final = "/api/v1/legal-entity"
_DETAILS: Final = ["/api/v1/billing-details", "/api/v1/clients/{client:str}/billing-details"]
_READ_ENTITY: Final = {"permission": BillingPermission.READ_PRICE_BOOKS}
_WRITE_ENTITY: Final = {"permission": BillingPermission.WRITE_LEGAL_ENTITY}
_READ_DETAILS: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE_DETAILS: Final = {"permission": BillingPermission.WRITE_BILLING_DETAILS}


@get(_ENTITY, opt=_READ_ENTITY, tags=["invoices"])
async def show_legal_entity(access: OpenAccess) -> Issuer:
    """Return the issuer of your invoices, with the tax rates. 404 if nothing is entered."""
    issuer = await find_issuer(access.session, Side.RETAIL)
    if issuer is None:
        raise NotFound(N_("No legal entity is entered."))
    return issuer


@put(_ENTITY, opt=_WRITE_ENTITY | STEP_UP, tags=["invoices"], status_code=200)
async def save_legal_entity(access: OpenAccess, data: JSONBody[LegalEntityInput]) -> Issuer:
    """Set the issuer of your invoices. Issued invoices do not change."""
    await set_legal_entity(access.session, data, side=Side.RETAIL, now=access.now, new_id=new_id)
    return await _issuer(access)


@post(f"{_ENTITY}/tax-rates", opt=_WRITE_ENTITY, tags=["invoices"], status_code=201)
async def create_tax_rate(access: OpenAccess, data: JSONBody[TaxRateInput]) -> Issuer:
    """Add the rate of domestic invoices from a day on. Reverse charge and export follow from the buyer's country."""
    await add_tax_rate(access.session, data, side=Side.RETAIL, now=access.now)
    return await _issuer(access)


@get(_DETAILS, opt=_READ_DETAILS, tags=["invoices"])
async def show_billing_details(access: OpenAccess) -> BillingDetailsView:
    """Return the account as invoices name it. 404 if nothing is entered."""
    details = await find_billing_details(access.session)
    if details is None:
        raise NotFound(N_("No billing details are entered."))
    return details


@put(_DETAILS, opt=_WRITE_DETAILS, tags=["invoices"], status_code=200)
async def save_billing_details(access: OpenAccess, data: JSONBody[BillingDetailsInput]) -> BillingDetailsView:
    """Set the account as invoices name it. Issued invoices do not change."""
    payer_id = await find_payer(access, data.payer)
    await set_billing_details(access.session, data, payer_id=payer_id, now=access.now)
    saved = await find_billing_details(access.session)
    if saved is None:
        raise NotFound
    return saved


async def _issuer(access: Access) -> Issuer:
    issuer = await find_issuer(access.session, Side.RETAIL)
    if issuer is None:
        raise NotFound
    return issuer


LEGAL_ENTITY_ROUTES: Final[tuple[Any, ...]] = (
    show_legal_entity, save_legal_entity, create_tax_rate, show_billing_details, save_billing_details,
)  # fmt: skip
