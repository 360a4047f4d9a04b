"""Pages of plans: all of them, one with its versions, and the form of a plan or a version."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.permissions import BillingPermission
from billing.plans.forms import ROWS, Typed, read_plan, read_terms, write_form
from billing.plans.repository import add_version, create_plan, list_plans, load_plan, retire_plan
from billing.plans.schemas import PlanView
from billing.plans.terms import INTERVAL_LABELS
from billing.plans.wording import write_details, write_entitlements, write_plan
from billing.web.dependencies import KnownFeatures
from billing.web.forms import read_typed
from foundation.entitlements.features import Features
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_PLANS: Final = "/plans"
_NEW: Final = f"{_PLANS}/new"
_PLAN: Final = f"{_PLANS}/{{plan_id:uuid}}"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS}
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}


@get(_PLANS, name="plans", opt=_READ, include_in_schema=False)
async def show_plans_page(access: OpenAccess) -> Response[Any]:
    plans = await list_plans(access.session, access.now)
    context = {"plans": [(one, _price(one)) for one in plans], "writes": _writes(access)}
    return render_page(access, "billing/plans.html", translate("Plans"), context)


@get(_PLAN, name="plan", opt=_READ, include_in_schema=False)
async def show_plan_page(access: OpenAccess, features: KnownFeatures, plan_id: FromPath[UUID]) -> Response[Any]:
    return await _plan_page(access, features, plan_id)


@get(_NEW, name="plan_form", opt=_READ, include_in_schema=False)
async def show_plan_form_page(access: OpenAccess, features: KnownFeatures) -> Response[Any]:
    return _form(access, features, None, {"interval": "month", "prorates_true_up": "on"})


@post(_NEW, opt=_WRITE, include_in_schema=False)
async def create_plan_page(request: AnyRequest, access: OpenAccess, features: KnownFeatures) -> Response[Any]:
    typed = await read_typed(request)
    made: list[UUID] = []

    async def act() -> None:
        made.append(await create_plan(access.session, read_plan(typed, features), now=access.now, new_id=new_id))

    refusal = await run_action(access.session, act())
    if refusal is not None:
        return _form(access, features, None, typed, refusal)
    return redirect_to(access, f"{_PLANS}/{made[0]}", done=translate("Plan created"))


@get(f"{_PLAN}/new", name="plan_version_form", opt=_READ, include_in_schema=False)
async def show_version_form_page(access: OpenAccess, features: KnownFeatures, plan_id: FromPath[UUID]) -> Response[Any]:
    """The form of a new version, filled in from the newest one."""
    plan = await load_plan(access.session, plan_id, access.now)
    return _form(access, features, plan, write_form(plan.versions[0].terms))


@post(f"{_PLAN}/new", opt=_WRITE, include_in_schema=False)
async def create_version_page(
    request: AnyRequest, access: OpenAccess, features: KnownFeatures, plan_id: FromPath[UUID]
) -> Response[Any]:
    typed = await read_typed(request)

    async def act() -> None:
        await add_version(access.session, plan_id, read_terms(typed, features), now=access.now, new_id=new_id)

    refusal = await run_action(access.session, act())
    if refusal is not None:
        return _form(access, features, await load_plan(access.session, plan_id, access.now), typed, refusal)
    return redirect_to(access, f"{_PLANS}/{plan_id}", done=translate("Version published"))


@post(f"{_PLAN}/retire", opt=_WRITE, include_in_schema=False)
async def retire_plan_page(access: OpenAccess, features: KnownFeatures, plan_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, retire_plan(access.session, plan_id, now=access.now))
    if refusal is not None:
        return await _plan_page(access, features, plan_id, refusal)
    return redirect_to(access, f"{_PLANS}/{plan_id}", done=translate("Plan retired"))


PLAN_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_plans_page, show_plan_page, show_plan_form_page, create_plan_page, show_version_form_page,
    create_version_page, retire_plan_page,
)  # fmt: skip


def _writes(access: Access) -> bool:
    return access.may(BillingPermission.WRITE_PRICE_BOOKS)


def _price(plan: PlanView) -> str:
    newest = plan.versions[0]
    current = next((one for one in plan.versions if one.number == plan.current), newest)
    return write_plan(current.terms, plan.currency)


async def _plan_page(
    access: Access, features: Features, plan_id: UUID, refusal: DomainError | None = None
) -> Response[Any]:
    plan = await load_plan(access.session, plan_id, access.now)
    context = {
        "plan": plan,
        "price": _price(plan),
        "versions": [
            (
                one,
                write_plan(one.terms, plan.currency),
                [*write_details(one.terms, plan.currency), *write_entitlements(one.terms, features)],
            )
            for one in plan.versions
        ],
        "writes": _writes(access) and plan.retired_at is None,
        "refused": refusal,
    }
    return render_page(access, "billing/plan.html", plan.name, context, refusal=refusal)


def _form(
    access: Access, features: Features, plan: PlanView | None, typed: Typed, refusal: DomainError | None = None
) -> Response[Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "plan": plan,
        "typed": typed,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
        "intervals": [(code.value, translate(label)) for code, label in INTERVAL_LABELS.items()],
        "rows": ROWS,
        "features": [(one.code, translate(one.label), bool(one.count)) for one in features],
        "uses": [
            ("", translate("As in the price book")),
            ("on", translate("In the plan")),
            ("off", translate("Not in the plan")),
        ],
        "writes": _writes(access),
    }
    title = translate("New plan") if plan is None else translate("New version")
    return render_page(access, "billing/plan_form.html", title, context, refusal=refusal)
