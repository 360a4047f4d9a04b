"""API of service levels and their credits."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from billing.permissions import BillingPermission
from billing.sla.credits import (
    ServiceLevels,
    SlaDecisionInput,
    decide_sla_credit,
    load_service_levels,
    set_sla_terms,
)
from billing.sla.terms import SlaTermsInput
from billing.sla.version import require_terms_version, terms_version
from foundation.ids import new_id
from foundation.web.api import post, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_LEVELS: Final = "/api/v1/clients/{client:str}/service-levels"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE: Final = {"permission": BillingPermission.ISSUE_INVOICE}
_TAGS: Final = ["credit"]


@get(_LEVELS, opt=_READ, tags=_TAGS)
async def show_service_levels(access: OpenAccess) -> Response[ServiceLevels]:
    """Return a client's terms of service credits, and its months against the target. `ETag` has the version of the
    terms.
    """
    levels = await load_service_levels(access.session)
    return tagged(levels, terms_version(levels))


@put(f"{_LEVELS}/terms", opt=_WRITE, tags=_TAGS, status_code=200, operation_class=GuardedOperation)
async def save_sla_terms(
    request: AnyRequest, access: OpenAccess, data: JSONBody[SlaTermsInput]
) -> Response[ServiceLevels]:
    """Set the terms of service credits for late deliveries. Months already measured do not change."""
    await require_terms_version(access.session, read_etag(request))
    await set_sla_terms(access.session, data, now=access.now)
    levels = await load_service_levels(access.session)
    return tagged(levels, terms_version(levels))


@post(f"{_LEVELS}/credits/{{sla_credit_id:uuid}}/decision", opt=_WRITE, tags=_TAGS, status_code=200)
async def decide_service_credit(
    access: OpenAccess, sla_credit_id: FromPath[UUID], data: JSONBody[SlaDecisionInput]
) -> ServiceLevels:
    """Approve or reject a proposed credit. An approved one is on the next draft within moments."""
    await decide_sla_credit(access.session, sla_credit_id, data, now=access.now, new_id=new_id)
    return await load_service_levels(access.session)


SLA_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_service_levels, save_sla_terms, decide_service_credit)
