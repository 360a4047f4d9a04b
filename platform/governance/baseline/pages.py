"""Pages of baselines: start, comparison, acceptance."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.database.savepoint import savepoint
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to
from governance.baseline.acceptance_job import accept_baseline
from governance.baseline.lists import BASELINES, COMPARED_VALUES
from governance.baseline.queries import BELOW_COST, LISTS, find_baseline
from governance.baseline.rows import Comparison
from governance.baseline.skip import skip_baseline
from governance.baseline.start import discard_baseline, start_baseline
from governance.connections.queries import is_in_onboarding
from governance.elements.value_hold import is_holding
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_BASELINE}
_START: Final = {"permission": GovernancePermission.START_BASELINE}
_ACCEPT: Final = {"permission": GovernancePermission.ACCEPT_BASELINE}
AnyRequest = Request[Any, Any, Any]
_ROOT: Final = "/clients/{client:str}/baselines"
_ONE: Final = f"{_ROOT}/{{baseline_id:uuid}}"
_ORDER: Final = (Comparison.DIFFERS, BELOW_COST, Comparison.SOURCE_ONLY, Comparison.CHANNEL_ONLY, Comparison.EQUAL)
"""Lists by urgency."""


@get(_ROOT, opt=_READ, dependencies=BASELINES.page_parameters, include_in_schema=False)
async def list_baselines_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed)


@get(_ONE, opt=_READ, dependencies=COMPARED_VALUES.page_parameters, include_in_schema=False)
async def show_baseline_page(
    request: AnyRequest, access: OpenAccess, baseline_id: FromPath[UUID], listed: ListParameters
) -> Response[Any]:
    return await _detail(access, baseline_id, listed, is_chosen="which" in request.query_params)


@get(f"{_ONE}/progress", opt=_READ | FRAGMENT, dependencies=COMPARED_VALUES.page_parameters, include_in_schema=False)
async def show_baseline_fragment(
    request: AnyRequest, access: OpenAccess, baseline_id: FromPath[UUID], listed: ListParameters
) -> Response[Any]:
    context = await _context(access, baseline_id, listed, is_chosen="which" in request.query_params)
    return render_page(access, "baseline_progress.html", translate("Baseline"), context, refusal=listed.refusal)


@post(f"{_ONE}/accept", opt=_ACCEPT, include_in_schema=False)
async def accept_baseline_page(access: OpenAccess, baseline_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, accept_baseline(access.session, baseline_id, now=access.now))
    return await _after_act(access, baseline_id, refusal, translate("Baseline accepted"))


@post(f"{_ONE}/discard", opt=_START, include_in_schema=False)
async def discard_baseline_page(access: OpenAccess, baseline_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, discard_baseline(access.session, baseline_id, now=access.now))
    return await _after_act(access, baseline_id, refusal, translate("Baseline discarded"))


@post(f"{_ROOT}/skip", opt=_ACCEPT, include_in_schema=False)
async def skip_baseline_page(access: OpenAccess) -> Response[Any]:
    refusal = await run_action(access.session, skip_baseline(access.session, now=access.now))
    if refusal is not None:
        return await _list(access, BASELINES.parse({}), refusal)
    return redirect_to(access, "/baselines", done=translate("Baseline skipped"))


def build_baseline_pages(services: GovernanceServices) -> list[HTTPRouteHandler]:
    @post(_ROOT, opt=_START, include_in_schema=False)
    async def create_baseline_page(access: OpenAccess) -> Response[Any]:
        try:
            async with savepoint(access.session):
                baseline_id = await start_baseline(access.session, services, now=access.now)
        except DomainError as refusal:
            return await _list(access, BASELINES.parse({}), refusal)
        return redirect_to(access, f"/baselines/{baseline_id}", done=translate("Baseline started"))

    return [
        list_baselines_page,
        export_page(BASELINES, _ROOT, opt=_READ),
        export_page(COMPARED_VALUES, f"{_ONE}/values", opt=_READ),
        show_baseline_page,
        show_baseline_fragment,
        create_baseline_page,
        accept_baseline_page,
        discard_baseline_page,
        skip_baseline_page,
    ]


async def _list(access: Access, listed: ListInput, refusal: DomainError | None = None) -> Response[Any]:
    found = await load_page(access, BASELINES, listed)
    context = {
        "listed": list_view(BASELINES, listed, found, f"{access.root}/baselines"),
        "refused": refusal,
        "holds": await is_holding(access.session),
    }
    return render_page(access, "baselines.html", translate("Baselines"), context, refusal=refusal or listed.refusal)


async def _after_act(access: Access, baseline_id: UUID, refusal: DomainError | None, done: str) -> Response[Any]:
    if refusal is None:
        return redirect_to(access, f"/baselines/{baseline_id}", done=done)
    return await _detail(access, baseline_id, COMPARED_VALUES.parse({}), refusal)


async def _detail(
    access: Access,
    baseline_id: UUID,
    listed: ListInput,
    refusal: DomainError | None = None,
    *,
    is_chosen: bool = False,
) -> Response[Any]:
    context = await _context(access, baseline_id, listed, is_chosen=is_chosen)
    context["in_onboarding"] = await is_in_onboarding(access.session)
    return render_page(access, "baseline.html", translate("Baseline"), context, refusal=refusal or listed.refusal)


async def _context(access: Access, baseline_id: UUID, listed: ListInput, *, is_chosen: bool) -> dict[str, object]:
    """Template context. Unless the reader has chosen one, the first list that is not empty."""
    baseline = await find_baseline(access.session, baseline_id)
    totals = {str(name): baseline.total(name) for name in LISTS}
    if not is_chosen:
        first = next((str(name) for name in _ORDER if totals[name]), Comparison.DIFFERS.value)
        listed = COMPARED_VALUES.parse({**listed.raw, "which": first})
    found = await load_page(access, COMPARED_VALUES, listed, baseline_id=baseline_id)
    address = f"{access.root}/baselines/{baseline_id}"
    return {
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
        "baseline": baseline,
        "totals": totals,
        "order": [str(name) for name in _ORDER],
        "which": listed.query["which"],
        "listed": list_view(COMPARED_VALUES, listed, found, address, export=f"{address}/values"),
    }
