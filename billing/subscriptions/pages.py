"""Pages of subscriptions: the list, one with its steps, and the forms, each with a preview of its charges."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from billing.line_kinds import LineKind
from billing.permissions import BillingPermission
from billing.plans.repository import list_offers
from billing.plans.wording import write_details, write_plan
from billing.subscriptions.acts import add_step, preview_step, preview_subscription, subscribe, undo_step
from billing.subscriptions.forms import Typed, read_step, read_subscription
from billing.subscriptions.lists import SUBSCRIPTIONS_LIST
from billing.subscriptions.routes import zone_of
from billing.subscriptions.schemas import ChargePreview, SubscriptionView
from billing.subscriptions.states import ACT_LABELS, LABELS, STEP_LABELS, StepKind, SubscriptionState
from billing.subscriptions.views import load_view
from billing.web.forms import read_typed
from canonical.money import Money
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.accounts import find_client_slug, name_clients
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_LISTS: Final = ["/subscriptions", "/clients/{client:str}/subscriptions"]
_OWN: Final = "/clients/{client:str}/subscriptions"
_NEW: Final = f"{_OWN}/new"
_ONE: Final = f"{_OWN}/{{subscription_id:uuid}}"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_FLEET: Final = {**_READ, "fleet": True}
_WRITE: Final = {"permission": BillingPermission.WRITE_SUBSCRIPTIONS}


@get(_LISTS, name="subscriptions", opt=_FLEET, dependencies=SUBSCRIPTIONS_LIST.page_parameters, include_in_schema=False)
async def list_subscriptions_page(access: OpenAccess, listed: ListParameters) -> Template:
    found = await load_page(access, SUBSCRIPTIONS_LIST, listed)
    slugs = await name_clients(access.session, {one.client_id for one in found.items})
    context = {
        "listed": list_view(SUBSCRIPTIONS_LIST, listed, found, f"{access.root}/subscriptions"),
        "shown": {one.id: _shown(one) for one in found.items},
        "clients": slugs,
        "root": access.root,
        "is_fleet": access.scope.fleet,
    }
    title = translate("Subscriptions")
    return render_page(access, "billing/subscriptions.html", title, context, refusal=listed.refusal)


@get("/subscriptions/{subscription_id:uuid}", name="subscription_of_client", opt=_FLEET, include_in_schema=False)
async def open_subscription_page(access: OpenAccess, subscription_id: FromPath[UUID]) -> Response[Any]:
    """A subscription of one of the MSP's clients, as the list of all of them shows it."""
    return await _page(access, subscription_id, {})


@get(_ONE, name="subscription", opt=_READ, include_in_schema=False)
async def show_subscription_page(access: OpenAccess, subscription_id: FromPath[UUID]) -> Response[Any]:
    return await _page(access, subscription_id, {})


@get(_NEW, name="subscription_form", opt=_WRITE, include_in_schema=False)
async def show_subscription_form_page(access: OpenAccess) -> Response[Any]:
    return await _form(access, {})


@post(_NEW, opt=_WRITE, include_in_schema=False)
async def create_subscription_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    """Preview the subscription's charges; with `confirmed`, create it."""
    typed = await read_typed(request)
    found: list[Any] = []
    confirmed = typed.get("confirmed") == "on"

    async def act() -> None:
        new, zone = read_subscription(typed), zone_of(access)
        if confirmed:
            found.append(await subscribe(access.session, zone, new, now=access.now, new_id=new_id))
        else:
            found.append(await preview_subscription(access.session, zone, new, now=access.now, new_id=new_id))

    refusal = await run_action(access.session, act())
    if refusal is not None or not confirmed:
        return await _form(access, typed, refusal, found[0] if refusal is None else None)
    return redirect_to(access, f"/subscriptions/{found[0]}", done=translate("Subscription created"))


@post(f"{_ONE}/steps", opt=_WRITE, include_in_schema=False)
async def add_step_page(request: AnyRequest, access: OpenAccess, subscription_id: FromPath[UUID]) -> Response[Any]:
    """Preview the step's charges; with `confirmed`, take it."""
    typed = await read_typed(request)
    found: list[Any] = []
    confirmed = typed.get("confirmed") == "on"

    async def act() -> None:
        wanted = read_step(typed, zone_of(access))
        do = add_step if confirmed else preview_step
        found.append(await do(access.session, subscription_id, wanted, now=access.now, new_id=new_id))

    refusal = await run_action(access.session, act())
    if refusal is not None or not confirmed:
        preview = found[0] if refusal is None else None
        return await _page(access, subscription_id, typed, refusal, preview)
    return redirect_to(access, f"/subscriptions/{subscription_id}", done=translate("Subscription changed"))


@post(f"{_ONE}/steps/{{step_id:uuid}}/undo", opt=_WRITE, include_in_schema=False)
async def undo_step_page(access: OpenAccess, subscription_id: FromPath[UUID], step_id: FromPath[UUID]) -> Response[Any]:
    undoing = undo_step(access.session, subscription_id, step_id, "", now=access.now)
    refusal = await run_action(access.session, undoing)
    if refusal is not None:
        return await _page(access, subscription_id, {}, refusal)
    return redirect_to(access, f"/subscriptions/{subscription_id}", done=translate("Change undone"))


SUBSCRIPTION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_subscriptions_page,
    export_page(SUBSCRIPTIONS_LIST, _LISTS, opt=_FLEET),
    open_subscription_page,
    show_subscription_page,
    show_subscription_form_page,
    create_subscription_page,
    add_step_page,
    undo_step_page,
)


def _shown(one: SubscriptionView) -> Mapping[str, Any]:
    """Texts of a subscription."""
    label, kind = LABELS[one.state]
    charge = one.next_charge
    return {
        "state": (translate(label), kind),
        "price": write_plan(one.plan.terms, one.currency),
        "next": None if charge is None else Money(charge.amount_minor, one.currency),
        "next_at": None if charge is None else charge.due,
    }


async def _page(
    access: Access, subscription_id: UUID, typed: Typed, refusal: DomainError | None = None,
    preview: ChargePreview | None = None,
) -> Response[Any]:  # fmt: skip
    one = await load_view(access.session, subscription_id, access.now)
    writes = (
        access.client is not None
        and access.may(BillingPermission.WRITE_SUBSCRIPTIONS)
        and one.state is not SubscriptionState.CANCELLED
    )
    client = (await name_clients(access.session, [one.client_id])).get(one.client_id, "")
    context = {
        "one": one,
        "shown": _shown(one),
        "client": client,
        "add_ons": [(each, one.add_ons.get(each.code, 0)) for each in one.plan.terms.add_ons],
        "details": write_details(one.plan.terms, one.currency),
        "steps": [(each, _title(each.kind)) for each in reversed(one.steps)],
        "plans": await _plans(access) if writes else [],
        "kinds": [(kind.value, translate(label)) for kind, label in ACT_LABELS.items() if _possible(kind, one)],
        "writes": writes,
        "own_page": await _own_page(access, one),
        "root": access.root,
        **_outcome(typed, refusal, preview),
    }
    return render_page(access, "billing/subscription.html", one.plan.name, context, refusal=refusal)


async def _own_page(access: Access, one: SubscriptionView) -> str:
    """Address of the client's own page, to act there; empty on that page."""
    if access.client is not None:
        return ""
    slug = await find_client_slug(access.session, one.client_id)
    return f"/clients/{slug}/subscriptions/{one.id}"


async def _form(
    access: Access, typed: Typed, refusal: DomainError | None = None, preview: ChargePreview | None = None
) -> Response[Any]:
    context = {
        "plans": await _plans(access), "zone": zone_of(access), "root": access.root,
        **_outcome(typed, refusal, preview),
    }  # fmt: skip
    title = translate("New subscription")
    return render_page(access, "billing/subscription_form.html", title, context, refusal=refusal)


async def _plans(access: Access) -> list[tuple[str, str]]:
    """Code, and name with price, of the plans that a client can have."""
    found: list[tuple[str, str]] = []
    for plan in await list_offers(access.session, access.now):
        version = next(each for each in plan.versions if each.number == plan.current)
        found.append((plan.code, f"{plan.name} · {write_plan(version.terms, plan.currency)}"))
    return found


def _outcome(typed: Typed, refusal: DomainError | None, preview: ChargePreview | None) -> Mapping[str, Any]:
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    lines = [] if preview is None else [
        (line, translate(LineKind(line.kind).label), Money(line.amount_minor, preview.currency))
        for line in preview.lines
    ]  # fmt: skip
    return {
        "typed": typed,
        "errors": {field: refusal.detail} if refusal is not None and field else {},
        "refused": refusal if not field else None,
        "preview": preview,
        "lines": lines,
        "total": None if preview is None else Money(preview.total_minor, preview.currency),
    }


def _possible(kind: StepKind, one: SubscriptionView) -> bool:
    """Whether to offer a step. Most steps are offered in any state, because they may be meant for another time."""
    if kind is StepKind.RESUME:
        return one.state is SubscriptionState.PAUSED
    return kind is not StepKind.PAUSE or one.state is SubscriptionState.ACTIVE


def _title(kind: Any) -> str:
    return translate("Began") if kind is None else translate(STEP_LABELS[kind])
