"""Page of a client's service levels and their credits."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.permissions import BillingPermission
from billing.sla.credits import SlaDecisionInput, decide_sla_credit, load_service_levels, set_sla_terms
from billing.sla.states import STATE_LABELS
from billing.sla.terms import SlaTermsInput, parse_bands
from billing.sla.version import require_terms_version, terms_version
from billing.web.forms import read_typed
from branding.formats import format_month
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_LEVELS: Final = "/clients/{client:str}/service-levels"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE: Final = {"permission": BillingPermission.ISSUE_INVOICE}


@get(_LEVELS, name="service_levels", opt=_READ, include_in_schema=False)
async def show_service_levels_page(access: OpenAccess) -> Response[Any]:
    return await _page(access, {})


@post(f"{_LEVELS}/terms", opt=_WRITE, include_in_schema=False)
async def set_sla_terms_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = await read_typed(request)
    refusal = await run_action(access.session, _set(access, typed))
    if refusal is not None:
        return await _page(access, typed, refusal)
    return redirect_to(access, "/service-levels", done=translate("Saved"))


@post(f"{_LEVELS}/credits/{{sla_credit_id:uuid}}/decision", opt=_WRITE, include_in_schema=False)
async def decide_sla_credit_page(
    request: AnyRequest, access: OpenAccess, sla_credit_id: FromPath[UUID]
) -> Response[Any]:
    typed = await read_typed(request)
    decision = SlaDecisionInput(typed.get("decision") == "approve", typed.get("reason", ""))
    deciding = decide_sla_credit(access.session, sla_credit_id, decision, now=access.now, new_id=new_id)
    refusal = await run_action(access.session, deciding)
    if refusal is not None:
        return await _page(access, {}, refusal)
    return redirect_to(access, "/service-levels", done=translate("Decided"))


SLA_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_service_levels_page, set_sla_terms_page, decide_sla_credit_page)


async def _set(access: Access, typed: Typed) -> None:
    """Raises InvalidInput."""
    try:
        most = Decimal(typed.get("most", "").replace(",", ".") or "100")
    except InvalidOperation:
        raise InvalidInput(N_("Enter a percentage such as 10."), field="most") from None
    terms = SlaTermsInput(parse_bands(typed.get("bands", "")[:500]), most, typed.get("from_month", ""))
    await require_terms_version(access.session, version_in(typed))
    await set_sla_terms(access.session, terms, now=access.now)


async def _page(access: Access, typed: Typed, refusal: DomainError | None = None) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    field = "from_month" if field == "month" else field
    found = await load_service_levels(access.session)
    shown = {"from_month": f"{access.now:%Y-%m}", "most": "100", "bands": ""}
    if found.terms is not None:
        shown = {
            "from_month": f"{found.terms.from_month:%Y-%m}", "most": plain(found.terms.most_pct),
            "bands": ", ".join(f"{plain(one.below_pct)}={plain(one.credit_pct)}" for one in found.terms.bands),
        }  # fmt: skip
    context = {
        "root": access.root,
        "levels": found,
        "state_labels": STATE_LABELS,
        "month": _month,
        "plain": plain,
        "typed": shown | dict(typed),
        "version": version_in(typed) or terms_version(found),
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not (field and typed) else None,
    }
    return render_page(access, "billing/service_levels.html", translate("Service levels"), context, refusal=refusal)


def plain(number: Decimal) -> str:
    """The number without trailing zeros."""
    return f"{number.normalize():f}"


def _month(day: date) -> str:
    return format_month(datetime(day.year, day.month, day.day, tzinfo=UTC))
