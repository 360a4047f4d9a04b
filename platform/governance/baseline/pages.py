"""Pages of baselines: start, comparison, acceptance."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, InvalidInput
from foundation.web.actions import run_action
from foundation.web.fragments import FRAGMENT
from foundation.web.render import redirect_to
from governance.baseline.acceptance_job import accept_baseline
from governance.baseline.queries import BELOW_COST, LISTS, find_baseline, list_baselines, list_compared
from governance.baseline.rows import Comparison
from governance.baseline.start import discard_baseline, start_baseline
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_BASELINE}
_START: Final = {"permission": GovernancePermission.START_BASELINE}
_ACCEPT: Final = {"permission": GovernancePermission.ACCEPT_BASELINE}
_ROOT: Final = "/clients/{client:str}/baselines"
_ONE: Final = f"{_ROOT}/{{baseline_id:uuid}}"
_ORDER: Final = (Comparison.DIFFERS, BELOW_COST, Comparison.SOURCE_ONLY, Comparison.CHANNEL_ONLY, Comparison.EQUAL)
"""Lists by urgency."""


@get(_ROOT, opt=_READ, include_in_schema=False)
async def baseline_list(access: OpenAccess, cursor: FromQuery[UUID | None] = None) -> Response[Any]:
    return await _list(access, cursor)


@get(_ONE, opt=_READ, include_in_schema=False)
async def baseline_detail(
    access: OpenAccess, baseline_id: FromPath[UUID], which: FromQuery[str] = "", cursor: FromQuery[str] = ""
) -> Response[Any]:
    return await _detail(access, baseline_id, which=which, cursor=cursor)


@get(f"{_ONE}/progress", opt=_READ | FRAGMENT, include_in_schema=False)
async def baseline_progress(
    access: OpenAccess, baseline_id: FromPath[UUID], which: FromQuery[str] = ""
) -> Response[Any]:
    return render_page(access, "baseline_progress.html", "Baseline", await _context(access, baseline_id, which))


@post(f"{_ONE}/accept", opt=_ACCEPT, include_in_schema=False)
async def baseline_accept(access: OpenAccess, baseline_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, accept_baseline(access.session, baseline_id, now=access.now))
    return await _after_act(access, baseline_id, refusal, "Baseline accepted")


@post(f"{_ONE}/discard", opt=_START, include_in_schema=False)
async def baseline_discard(access: OpenAccess, baseline_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, discard_baseline(access.session, baseline_id, now=access.now))
    return await _after_act(access, baseline_id, refusal, "Baseline discarded")


def build_baseline_pages(services: GovernanceServices) -> list[HTTPRouteHandler]:
    @post(_ROOT, opt=_START, include_in_schema=False)
    async def baseline_start(access: OpenAccess) -> Response[Any]:
        try:
            async with savepoint(access.session):
                baseline_id = await start_baseline(access.session, services, now=access.now)
        except DomainError as refusal:
            return await _list(access, None, refusal)
        return redirect_to(access, f"/baselines/{baseline_id}", done="Baseline started")

    return [baseline_list, baseline_detail, baseline_progress, baseline_start, baseline_accept, baseline_discard]


async def _list(access: Access, cursor: UUID | None, refusal: DomainError | None = None) -> Response[Any]:
    found = await list_baselines(access.session, cursor=cursor)
    return render_page(access, "baselines.html", "Baselines", {"found": found, "cursor": cursor}, refusal=refusal)


async def _after_act(access: Access, baseline_id: UUID, refusal: DomainError | None, done: str) -> Response[Any]:
    if refusal is None:
        return redirect_to(access, f"/baselines/{baseline_id}", done=done)
    return await _detail(access, baseline_id, refusal=refusal)


async def _detail(
    access: Access, baseline_id: UUID, *, which: str = "", cursor: str = "", refusal: DomainError | None = None
) -> Response[Any]:
    try:
        context = await _context(access, baseline_id, which, cursor)
    except InvalidInput as unclear:  # an invalid cursor starts from the beginning
        context, refusal = await _context(access, baseline_id, which), unclear
    return render_page(access, "baseline.html", "Baseline", context, refusal=refusal)


async def _context(access: Access, baseline_id: UUID, which: str = "", cursor: str = "") -> dict[str, object]:
    """Template context. Without `which`, the first list that is not empty."""
    baseline = await find_baseline(access.session, baseline_id)
    totals = {str(name): baseline.total(name) for name in LISTS}
    chosen = which if which in LISTS else next((str(name) for name in _ORDER if totals[name]), Comparison.DIFFERS.value)
    found = await list_compared(access.session, baseline_id, which=chosen, cursor=cursor)
    return {
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
        "baseline": baseline,
        "totals": totals,
        "order": [str(name) for name in _ORDER],
        "which": chosen,
        "cursor": cursor,
        "found": found,
    }
