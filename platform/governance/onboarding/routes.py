"""The API of onboardings."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.api import delete, post, put
from governance.onboarding import check as checklist
from governance.onboarding.lists import ONBOARDINGS
from governance.onboarding.pages import load_and_probe, load_view
from governance.onboarding.permissions import OnboardingPermission
from governance.onboarding.schemas import OnboardingView, WaiverInput
from governance.services import GovernanceServices
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": OnboardingPermission.READ_ONBOARDING}
_CHECK: Final = {"permission": OnboardingPermission.RUN_CHECKS}
_LIVE: Final = {"permission": OnboardingPermission.GO_LIVE}
_ONE: Final = "/api/v1/clients/{client:str}/onboarding"
_WAIVER: Final = f"{_ONE}/waivers/{{check:str}}"
_TAGS: Final = ["onboarding"]

ONBOARDING_LIST: Final = list_route(
    ONBOARDINGS,
    "/api/v1/onboardings",
    opt={**_READ, "fleet": True},
    tags=_TAGS,
    about="List the onboardings of all clients: the first step of each that is not done, and since when.",
)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_onboarding(access: OpenAccess) -> OnboardingView:
    """Return the steps of a client's onboarding with their states, and its go-live checklist."""
    return await load_view(access)


@put(_WAIVER, opt=_LIVE, tags=_TAGS, status_code=204)
async def waive_check(access: OpenAccess, check: FromPath[str], data: JSONBody[WaiverInput]) -> None:
    """Waive a check of the go-live checklist, with a reason."""
    await checklist.waive_check(access.session, check, reason=data.reason, now=access.now)


@delete(_WAIVER, opt=_LIVE, tags=_TAGS)
async def withdraw_waiver(access: OpenAccess, check: FromPath[str]) -> None:
    """Withdraw the waiver of a check."""
    await checklist.withdraw_waiver(access.session, check, now=access.now)


def build_onboarding_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ONE}/checks", opt=_CHECK, tags=_TAGS, status_code=200)
    async def run_checks(access: OpenAccess) -> OnboardingView:
        """Test every connection as it is, and return the checklist."""
        view, probed = await load_and_probe(access, services)
        await checklist.record_checks(access.session, probed, now=access.now)
        return view

    @post(f"{_ONE}/go-live", opt=_LIVE, tags=_TAGS, status_code=204)
    async def go_live(access: OpenAccess) -> None:
        """Run the checks, and record that the client is live. Refused while a check fails that is not waived."""
        view, probed = await load_and_probe(access, services)
        await checklist.record_checks(access.session, probed, now=access.now)
        await checklist.go_live(access.session, view, now=access.now)

    return (ONBOARDING_LIST, show_onboarding, run_checks, go_live, waive_check, withdraw_waiver)
