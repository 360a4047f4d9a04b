"""The API of baselines."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.web.api import post
from governance.baseline import acceptance_job, skip, start
from governance.baseline.lists import BASELINES, COMPARED_VALUES
from governance.baseline.queries import find_baseline
from governance.baseline.schemas import BaselineView
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_BASELINE}
_START: Final = {"permission": GovernancePermission.START_BASELINE}
_ACCEPT: Final = {"permission": GovernancePermission.ACCEPT_BASELINE}
_ROOT: Final = "/api/v1/clients/{client:str}/baselines"
_ONE: Final = f"{_ROOT}/{{baseline_id:uuid}}"
_TAGS: Final = ["baselines"]


BASELINE_LIST: Final = list_route(BASELINES, _ROOT, opt=_READ, tags=_TAGS, about="List baselines, newest first.")
COMPARED_LIST: Final = list_route(
    COMPARED_VALUES, f"{_ONE}/values", opt=_READ, tags=_TAGS, about="List the values that a baseline compared."
)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_baseline(access: OpenAccess, baseline_id: FromPath[UUID]) -> BaselineView:
    """Return reading progress, comparison counts and results of the acceptance."""
    return await find_baseline(access.session, baseline_id)


@post(f"{_ONE}/accept", opt=_ACCEPT, tags=_TAGS, status_code=202)
async def accept_baseline(access: OpenAccess, baseline_id: FromPath[UUID]) -> BaselineView:
    """Accept a baseline, asynchronously; needs a member. Policy decides on each difference as on any change."""
    await acceptance_job.accept_baseline(access.session, baseline_id, now=access.now)
    return await find_baseline(access.session, baseline_id)


@post(f"{_ONE}/discard", opt=_START, tags=_TAGS, status_code=200)
async def discard_baseline(access: OpenAccess, baseline_id: FromPath[UUID]) -> BaselineView:
    """Discard a baseline. No value changes."""
    await start.discard_baseline(access.session, baseline_id, now=access.now)
    return await find_baseline(access.session, baseline_id)


@post(f"{_ROOT}/skip", opt=_ACCEPT, tags=_TAGS, status_code=204)
async def skip_baseline(access: OpenAccess) -> None:
    """Skip the baseline: policy decides the held values one by one; those that it lets pass are sent.

    A client created by an MSP admin holds its values until a baseline is accepted or skipped, or the client is live.
    """
    await skip.skip_baseline(access.session, now=access.now)


def build_baseline_routes(services: GovernanceServices) -> list[HTTPRouteHandler]:
    @post(_ROOT, opt=_START, tags=_TAGS, status_code=202)
    async def create_baseline(access: OpenAccess) -> BaselineView:
        """Start a baseline by reading the sources and channels again. It replaces an undecided one."""
        baseline_id = await start.start_baseline(access.session, services, now=access.now)
        return await find_baseline(access.session, baseline_id)

    return [
        BASELINE_LIST,
        show_baseline,
        COMPARED_LIST,
        create_baseline,
        accept_baseline,
        discard_baseline,
        skip_baseline,
    ]
