"""Page that adds one item to a template; each addition is a new version."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.permissions import BillingPermission
from billing.plans.repository import list_offers
from billing.plans.schemas import PlanView
from billing.plans.wording import write_plan
from billing.price_books.forms import read_price
from billing.price_books.pricing import PriceKind
from billing.web.dependencies import KnownMeters
from branding.client_parts import PARTS
from canonical.elements import ELEMENTS
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.usage.meters import Meters
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.render import redirect_to
from governance.connections.contracts.pages import read_targets
from governance.elements.schemas import MOST_CHANNELS, Sensitivity, Workflow
from governance.escalations.draw import ladder_choices
from governance.escalations.form import FIELDS, Row, parse_rows, rows_of, typed_rows, with_blanks
from governance.escalations.ladder import DEFAULT_STEPS
from governance.labels import write_element
from governance.onboarding.client_templates.content import (
    PlanStart,
    Start,
    TemplateBrand,
    TemplateConnection,
    TemplateContent,
    TemplateContract,
    TemplateLadder,
    TemplateNotifications,
    TemplatePlan,
    price_of,
)
from governance.onboarding.client_templates.rights import require_billing_rights
from governance.onboarding.client_templates.save import save_version
from governance.onboarding.client_templates.store import load_version
from governance.onboarding.client_templates.version_check import require_newest
from governance.onboarding.permissions import OnboardingPermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.client_brands.schemas import OWN_ACCENT, typed_parts
from tenants.notifications.manage import defaults_view
from tenants.notifications.schemas import NotificationSettings
from tenants.notifications.web.forms import read_settings_form, settings_choices
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
Typed = Mapping[str, str]
_WRITE: Final = {"permission": OnboardingPermission.WRITE_TEMPLATES}
_PAGE: Final = "/templates/{template_id:uuid}/contract"
_MOST: Final = 1_000_000


def build_template_item_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    kinds = sorted((kind, connector.manifest.title) for kind, connector in services.runtime.registry.items())

    @get(_PAGE, opt=_WRITE, include_in_schema=False)
    async def new_item_page(access: OpenAccess, meters: KnownMeters, template_id: FromPath[UUID]) -> Response[Any]:
        return await _page(access, template_id, kinds, meters)

    @post(_PAGE, opt=_WRITE, include_in_schema=False)
    async def add_item_page(
        request: AnyRequest, access: OpenAccess, meters: KnownMeters, template_id: FromPath[UUID]
    ) -> Response[Any]:
        form = await request.form()
        typed = {name: str(value).strip() for name, value in form.items()}
        typed["channels"] = "\n".join(str(one) for one in form.getall("channel", []))
        settings = read_settings_form(form) if typed.get("part") == "notifications" else None
        rows = typed_rows([[str(one) for one in form.getall(name, [])] for name in FIELDS])
        try:
            await require_newest(access.session, template_id, version_in(typed))
            newest = await load_version(access.session, template_id)
            content = (
                _with_notifications(newest.content, settings)
                if settings is not None
                else _with_item(newest.content, typed, rows, kinds, meters)
            )
            require_billing_rights(access, content, newest.content)
        except DomainError as wrong:
            return await _page(
                access, template_id, kinds, meters, typed=typed, rows=rows, settings=settings, refusal=wrong
            )
        saving = save_version(access.session, template_id, content, now=access.now)
        refusal = await run_action(access.session, saving)
        if refusal is not None:
            return await _page(
                access, template_id, kinds, meters, typed=typed, rows=rows, settings=settings, refusal=refusal
            )
        return redirect_to(access, f"/templates/{template_id}", done=translate("New version saved"))

    return (new_item_page, add_item_page)


def _with_notifications(newest: TemplateContent, settings: NotificationSettings) -> TemplateContent:
    return msgspec.structs.replace(newest, notifications=TemplateNotifications(**msgspec.structs.asdict(settings)))


def _with_item(
    newest: TemplateContent, typed: Typed, rows: Sequence[Row], kinds: Sequence[tuple[str, str]], meters: Meters
) -> TemplateContent:
    """The content with the typed item, in place of one of the same key. Raises: InvalidInput, PriceNotAllowed."""
    match typed.get("part", ""):
        case "connection":
            if typed.get("kind", "") not in dict(kinds):
                raise InvalidInput(N_("Choose one of the systems."), field="kind")
            new = TemplateConnection(typed.get("name", ""), typed["kind"])
            return msgspec.structs.replace(newest, connections=[*newest.connections, new])
        case "plan":
            return msgspec.structs.replace(newest, plan=_plan(typed, newest.plan))
        case "price":
            meter = meters.require(typed.get("meter", ""))
            wanted = read_price({**typed, "kind": PriceKind.PER_UNIT.value})
            price = price_of(
                meter.name, typed.get("currency", "")[:3].upper(), wanted.description or meter.label, wanted.terms
            )
            others = [one for one in newest.prices if one.key != price.key]
            return msgspec.structs.replace(newest, prices=[*others, price])
        case "ladder":
            return msgspec.structs.replace(newest, ladder=TemplateLadder(parse_rows(rows)))
        case "brand":
            return msgspec.structs.replace(newest, brand=_brand(typed))
    contract = _contract(typed)
    return msgspec.structs.replace(
        newest, contracts=[*(one for one in newest.contracts if one.key != contract.key), contract]
    )


def _plan(typed: Typed, before: TemplatePlan | None) -> TemplatePlan:
    """The typed plan; add-ons, which the form does not have, stay with the same plan. Raises InvalidInput."""
    code, quantity = typed.get("plan", ""), typed.get("quantity", "")
    if not code:
        raise InvalidInput(N_("Choose one of the plans."), field="plan")
    if not (quantity.isascii() and quantity.isdigit() and len(quantity) <= len(str(_MOST)) and int(quantity) <= _MOST):
        raise InvalidInput(N_("Enter a whole number of 0 or more."), field="quantity")
    starts = typed.get("starts", "")
    add_ons = before.add_ons if before is not None and before.code == code else {}
    if starts not in set(PlanStart):
        starts = PlanStart.APPLICATION
    return TemplatePlan(code=code, quantity=int(quantity), add_ons=add_ons, starts=cast("Start", str(starts)))


def _brand(typed: Typed) -> TemplateBrand | None:
    """None if every field is empty: the template has no brand then. Raises InvalidTheme."""
    tokens = typed_parts({name: typed.get(f"brand_{name}", "") for name in PARTS} | {OWN_ACCENT: "on"})
    return TemplateBrand(**tokens) if any(tokens.values()) else None


def _contract(typed: Typed) -> TemplateContract:
    """Raises InvalidInput."""
    sensitivity, workflow = typed.get("sensitivity", ""), typed.get("workflow", "")
    reach = typed.get("reach", "")
    return TemplateContract(
        element=typed.get("element", ""), selector=typed.get("selector", ""), source=typed.get("source") or None,
        owner=typed.get("owner", ""),
        sensitivity=Sensitivity.of(sensitivity) if sensitivity in set(Sensitivity) else Sensitivity.INTERNAL,
        workflow=Workflow.of(workflow) if workflow in set(Workflow) else Workflow.POLICY,
        channels=typed.get("channels", "").splitlines()[:MOST_CHANNELS] if reach == "chosen" else None,
        all_channels=reach == "all", **read_targets(typed),
    )  # fmt: skip


async def _page(  # noqa: PLR0913 - keyword-only
    access: Access,
    template_id: UUID,
    kinds: Sequence[tuple[str, str]],
    meters: Meters,
    *,
    typed: Typed | None = None,
    rows: Sequence[Row] = (),
    settings: NotificationSettings | None = None,
    refusal: DomainError | None = None,
) -> Response[Any]:
    newest = await load_version(access.session, template_id)
    ladder, offers = newest.content.ladder, await list_offers(access.session, access.now)
    extra = {} if refusal is None else refusal.extra
    field = f"brand_{extra['token']}" if "token" in extra else str(extra.get("field", ""))
    brand = newest.content.brand or TemplateBrand()
    context = {
        "template": newest,
        "version": version_in(typed or {}) or str(newest.latest),
        "here": f"/templates/{template_id}",
        "kinds": kinds,
        "names": [(code, write_element(code)) for code in ELEMENTS],
        "sources": [(one.name, one.name) for one in newest.content.connections],
        "sensitivities": [(str(one), translate(one.label)) for one in Sensitivity],
        "workflows": [(str(one), translate(one.label)) for one in Workflow],
        "plans": _plans(offers),
        "starts": [(str(one), translate(one.label)) for one in PlanStart],
        "sets_plan": access.may(BillingPermission.WRITE_SUBSCRIPTIONS),
        "sets_prices": access.may(BillingPermission.WRITE_PRICE_BOOKS),
        "currency": next(
            iter([*(one.currency for one in newest.content.prices), *(one.currency for one in offers)]), ""
        ),
        "meters": [(one.name, translate(one.label)) for one in meters],
        "rows": with_blanks(rows or rows_of(DEFAULT_STEPS if ladder is None else ladder.steps)),
        **ladder_choices(access.index, of_msp=True),
        "brand": typed or {f"brand_{name}": getattr(brand, name) for name in PARTS},
        "chosen": defaults_view(settings or newest.content.notifications),
        "choices": settings_choices(),
        "typed": typed or {},
        "errors": {} if refusal is None or not field else {field: refusal.detail},
        "summary": [(field, refusal.detail)] if refusal is not None and field and field != "content" else [],
        "refused": refusal if field in ("", "content") else None,
    }
    return render_page(access, "client_template_item.html", translate("Add to the template"), context, refusal=refusal)


def _plans(offers: Sequence[PlanView]) -> list[tuple[str, str]]:
    """Code, and name with price, of each plan that the MSP offers."""
    found: list[tuple[str, str]] = []
    for plan in offers:
        version = next(each for each in plan.versions if each.number == plan.current)
        found.append((plan.code, f"{plan.name} · {write_plan(version.terms, plan.currency)}"))
    return found
