"""What this slice adds to the room."""

from typing import Any, Final

import governance.onboarding.imports.models
import governance.onboarding.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import AppServices, NavArea, NavEntry, RoleGrant, Slice
from governance.onboarding.audit_actions import OnboardingAction
from governance.onboarding.clients.pages import build_client_pages
from governance.onboarding.clients.routes import build_client_routes
from governance.onboarding.commands import COMMANDS
from governance.onboarding.imports.imports import import_handler
from governance.onboarding.imports.job_types import IMPORT_CLIENTS, JOB_TYPES
from governance.onboarding.imports.pages import IMPORT_PAGES
from governance.onboarding.imports.routes import IMPORT_ROUTES
from governance.onboarding.pages import build_onboarding_pages
from governance.onboarding.permissions import OnboardingPermission
from governance.onboarding.routes import build_onboarding_routes
from governance.services import GovernanceServices

_OPEN: Final = "SELECT 1 FROM onboarding WHERE tenant_id = :t AND live_at IS NULL"


def _routes(services: AppServices) -> list[Any]:
    own = services.get(GovernanceServices)
    return [*build_client_routes(services.db, own), *build_onboarding_routes(own), *IMPORT_ROUTES]


def _pages(services: AppServices) -> list[Any]:
    own = services.get(GovernanceServices)
    return [*build_client_pages(services.db, own), *build_onboarding_pages(own), *IMPORT_PAGES]


def _jobs(services: AppServices) -> list[JobHandler[Any]]:
    return [JobHandler(IMPORT_CLIENTS, import_handler(services.db, services.get(GovernanceServices)))]


SLICE: Final = Slice(
    models=(governance.onboarding.models, governance.onboarding.imports.models),
    job_types=JOB_TYPES,
    jobs=_jobs,
    routes=_routes,
    pages=_pages,
    permissions=(OnboardingPermission,),
    audit_actions=(OnboardingAction,),
    grants=(
        RoleGrant("msp_operator", OnboardingPermission.READ_ONBOARDING),
        RoleGrant("msp_operator", OnboardingPermission.RUN_CHECKS),
        RoleGrant("msp_admin", OnboardingPermission.GO_LIVE),
    ),
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            position=12,
            label=N_("Onboarding"),
            path="/onboarding",
            icon="target",
            permission=OnboardingPermission.READ_ONBOARDING,
        ),
        NavEntry(
            area=NavArea.CLIENT_ACCOUNT,
            position=5,
            label=N_("Onboarding"),
            path="/onboarding",
            icon="target",
            permission=OnboardingPermission.READ_ONBOARDING,
            badge=_OPEN,
            badge_permission=OnboardingPermission.READ_ONBOARDING,
        ),
    ),
    commands=COMMANDS,
)
