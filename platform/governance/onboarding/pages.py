"""Pages of onboardings: the list over all clients, and the steps and the go-live checklist of one."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to
from governance.onboarding.check import (
    Probed,
    go_live,
    probe_connections,
    record_checks,
    waive_check,
    with_results,
    withdraw_waiver,
)
from governance.onboarding.lists import ONBOARDINGS
from governance.onboarding.permissions import OnboardingPermission
from governance.onboarding.queries import LIVE, load_onboarding
from governance.onboarding.schemas import OnboardingView
from governance.onboarding.steps import OnboardingStep
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": OnboardingPermission.READ_ONBOARDING}
_FLEET: Final = {**_READ, "fleet": True}
_CHECK: Final = {"permission": OnboardingPermission.RUN_CHECKS}
_LIVE: Final = {"permission": OnboardingPermission.GO_LIVE}
_LIST: Final = "/onboarding"
_ROOT: Final = "/clients/{client:str}/onboarding"
_WAIVER: Final = f"{_ROOT}/waivers/{{check:str}}"
_KINDS: Final = {
    "done": ("ok", "check-circle"),
    "current": ("accent", "arrow-right"),
    "open": ("neutral", "dot"),
    "waiting": ("info", "clock"),
    "blocked": ("bad", "alert"),
    "optional": ("neutral", "minus"),
    "passed": ("ok", "check-circle"),
    "failed": ("bad", "x-circle"),
    "waived": ("warn", "flag"),
    "not_needed": ("neutral", "minus"),
}
"""Kind and icon of a state's badge."""


@get(_LIST, name="onboardings", opt=_FLEET, dependencies=ONBOARDINGS.page_parameters, include_in_schema=False)
async def list_onboardings_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, ONBOARDINGS, listed)
    context = {"listed": list_view(ONBOARDINGS, listed, found, _LIST), "live": LIVE}
    return render_page(access, "onboardings.html", translate("Onboarding"), context, refusal=listed.refusal)


@get(_ROOT, name="onboarding", opt=_READ, include_in_schema=False)
async def show_onboarding_page(access: OpenAccess) -> Response[Any]:
    """Show the first step that is not done; of a live client the go-live."""
    view = await load_view(access)
    return _page(access, view, OnboardingStep.GO_LIVE if view.step == LIVE else OnboardingStep.of(view.step))


@get(f"{_ROOT}/progress", opt=_READ | FRAGMENT, include_in_schema=False)
async def show_onboarding_fragment(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    view = await load_view(access)
    return _page(access, view, _step(str(request.query_params.get("step", ""))), template="onboarding_progress.html")


@get(f"{_ROOT}/{{step:str}}", opt=_READ, include_in_schema=False)
async def show_onboarding_step_page(access: OpenAccess, step: FromPath[str]) -> Response[Any]:
    return _page(access, await load_view(access), _step(step))


@post(_WAIVER, opt=_LIVE, include_in_schema=False)
async def waive_check_page(request: AnyRequest, access: OpenAccess, check: FromPath[str]) -> Response[Any]:
    view, reason = await load_view(access), str((await request.form()).get("reason", ""))
    refusal = await run_action(access.session, waive_check(access.session, check, reason=reason, now=access.now))
    if refusal is not None:
        return _page(access, view, OnboardingStep.GO_LIVE, refusal, waiving=check, reason=reason)
    return redirect_to(access, "/onboarding/go_live", done=translate("Check waived"))


@post(f"{_WAIVER}/remove", opt=_LIVE, include_in_schema=False)
async def withdraw_waiver_page(access: OpenAccess, check: FromPath[str]) -> Response[Any]:
    await withdraw_waiver(access.session, check, now=access.now)
    return redirect_to(access, "/onboarding/go_live", done=translate("Waiver withdrawn"))


def build_onboarding_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ROOT}/check", opt=_CHECK, include_in_schema=False)
    async def run_checks_page(access: OpenAccess) -> Response[Any]:
        view, probed = await load_and_probe(access, services)
        refusal = await run_action(access.session, record_checks(access.session, probed, now=access.now))
        if refusal is not None:
            return _page(access, view, OnboardingStep.GO_LIVE, refusal)
        return redirect_to(access, "/onboarding/go_live", done=translate("Checks run"))

    @post(f"{_ROOT}/go-live", opt=_LIVE, include_in_schema=False)
    async def go_live_page(access: OpenAccess) -> Response[Any]:
        view, probed = await load_and_probe(access, services)
        await record_checks(access.session, probed, now=access.now)
        refusal = await run_action(access.session, go_live(access.session, view, now=access.now))
        if refusal is not None:
            return _page(access, view, OnboardingStep.GO_LIVE, refusal)
        return redirect_to(access, "/onboarding/go_live", done=translate("The client is live"))

    return (
        list_onboardings_page,
        export_page(ONBOARDINGS, _LIST, opt=_FLEET),
        show_onboarding_page,
        show_onboarding_fragment,
        show_onboarding_step_page,
        run_checks_page,
        go_live_page,
        waive_check_page,
        withdraw_waiver_page,
    )


async def load_view(access: Access) -> OnboardingView:
    """The onboarding of the client in the address, read in the fleet's scope, because prices belong to the MSP."""
    client = access.require_client()
    await access.enter_fleet()
    view = await load_onboarding(access.session, client.tenant_id, now=access.now)
    await access.enter_account(client.tenant_id)
    return view


async def load_and_probe(access: Access, services: GovernanceServices) -> tuple[OnboardingView, Probed]:
    """The onboarding by tests of all connections, which are not recorded yet: the scope cannot change afterwards."""
    probed = await probe_connections(access.session, services.runtime, now=access.now)
    return with_results(await load_view(access), probed), probed


def _step(name: str) -> OnboardingStep:
    try:
        return OnboardingStep.of(name)
    except ValueError:
        raise NotFound from None


def _page(  # noqa: PLR0913 - the parts of one page
    access: Access,
    view: OnboardingView,
    step: OnboardingStep,
    refusal: DomainError | None = None,
    *,
    template: str = "onboarding.html",
    waiving: str = "",
    reason: str = "",
) -> Response[Any]:
    places = [one.step for one in view.steps]
    place = places.index(step)
    context = {
        "view": view,
        "step": view.steps[place],
        "number": place + 1,
        "following": view.steps[place + 1] if place + 1 < len(places) else None,
        "previous": view.steps[place - 1] if place else None,
        "kinds": _KINDS,
        "refused": refusal,
        "waiving": waiving,
        "reason": reason,
    }
    return render_page(access, template, translate("Onboarding"), context, refusal=refusal)
