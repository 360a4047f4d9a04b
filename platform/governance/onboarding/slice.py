"""Parts of this slice."""

from typing import Any, Final

import governance.onboarding.client_templates.models
import governance.onboarding.imports.models
import governance.onboarding.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import AppServices, MenuSection, NavArea, NavEntry, RoleGrant, Slice
from governance.onboarding.audit_actions import OnboardingAction
from governance.onboarding.client_templates.billing_job import billing_handler
from governance.onboarding.client_templates.commands import COMMANDS as TEMPLATE_COMMANDS
from governance.onboarding.client_templates.pages import build_template_pages
from governance.onboarding.client_templates.routes import build_template_routes
from governance.onboarding.client_templates.use.pages import build_client_template_pages
from governance.onboarding.clients.pages import build_client_pages
from governance.onboarding.clients.routes import build_client_routes
from governance.onboarding.commands import COMMANDS
from governance.onboarding.imports.commands import COMMANDS as IMPORT_COMMANDS
from governance.onboarding.imports.imports import import_handler
from governance.onboarding.imports.job_types import IMPORT_CLIENTS, JOB_TYPES
from governance.onboarding.imports.pages import IMPORT_PAGES
from governance.onboarding.imports.routes import IMPORT_ROUTES
from governance.onboarding.job_types import SET_TEMPLATE_BILLING
from governance.onboarding.pages import build_onboarding_pages
from governance.onboarding.permissions import OnboardingPermission
from governance.onboarding.routes import build_onboarding_routes
from governance.onboarding.tiles import TILES
from governance.services import GovernanceServices

_OPEN: Final = "SELECT 1 FROM onboarding WHERE tenant_id = :t AND live_at IS NULL"


def _routes(services: AppServices) -> list[Any]:
    own = services.get(GovernanceServices)
    return [
        *build_client_routes(services.db, own), *build_onboarding_routes(own), *build_template_routes(own),
        *IMPORT_ROUTES,
    ]  # fmt: skip


def _pages(services: AppServices) -> list[Any]:
    own = services.get(GovernanceServices)
    return [
        *build_client_pages(services.db, own), *build_onboarding_pages(own), *build_template_pages(own),
        *build_client_template_pages(own), *IMPORT_PAGES,
    ]  # fmt: skip


def _jobs(services: AppServices) -> list[JobHandler[Any]]:
    own = services.get(GovernanceServices)
    return [
        JobHandler(IMPORT_CLIENTS, import_handler(services.db, own)),
        JobHandler(SET_TEMPLATE_BILLING, billing_handler(own)),
    ]


SLICE: Final = Slice(
    tiles=TILES,
    models=(
        governance.onboarding.models,
        governance.onboarding.imports.models,
        governance.onboarding.client_templates.models,
    ),
    job_types=(*JOB_TYPES, SET_TEMPLATE_BILLING),
    jobs=_jobs,
    routes=_routes,
    pages=_pages,
    permissions=(OnboardingPermission,),
    audit_actions=(OnboardingAction,),
    grants=(
        RoleGrant("msp_operator", OnboardingPermission.READ_ONBOARDING),
        RoleGrant("msp_operator", OnboardingPermission.RUN_CHECKS),
        RoleGrant("msp_admin", OnboardingPermission.GO_LIVE),
        RoleGrant("msp_operator", OnboardingPermission.READ_TEMPLATES),
        RoleGrant("msp_admin", OnboardingPermission.WRITE_TEMPLATES),
        RoleGrant("msp_admin", OnboardingPermission.APPLY_TEMPLATE),
    ),
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.SETUP,
            position=12,
            label=N_("Onboarding"),
            path="/onboarding",
            icon="target",
            permission=OnboardingPermission.READ_ONBOARDING,
        ),
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.SETUP,
            position=13,
            label=N_("Client templates"),
            path="/templates",
            icon="copy",
            permission=OnboardingPermission.READ_TEMPLATES,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.SETUP,
            position=5,
            label=N_("Onboarding"),
            path="/onboarding",
            icon="target",
            permission=OnboardingPermission.READ_ONBOARDING,
            badge=_OPEN,
            badge_permission=OnboardingPermission.READ_ONBOARDING,
        ),
    ),
    commands=(*COMMANDS, *TEMPLATE_COMMANDS, *IMPORT_COMMANDS),
)
