"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import billing.entitlements.models
from billing.entitlements.apply_job import apply_handler
from billing.entitlements.commands import COMMANDS
from billing.entitlements.pages import ENTITLEMENT_PAGES, provide_features
from billing.entitlements.routes import ENTITLEMENT_ROUTES
from billing.job_types import APPLY_ENTITLEMENTS
from billing.permissions import BillingPermission
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import AppServices, MenuSection, NavArea, NavEntry, Slice, WebPart


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    return [JobHandler(APPLY_ENTITLEMENTS, apply_handler(services.clock))]


def _web(services: AppServices) -> WebPart:
    return WebPart(dependencies=provide_features(services.rooms.features))


SLICE: Final = Slice(
    models=(billing.entitlements.models,),
    routes=ENTITLEMENT_ROUTES,
    pages=ENTITLEMENT_PAGES,
    web=_web,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT, section=MenuSection.BILLING, position=23,
            label=N_("Plan and limits"), path="/plan", icon="layers",
            permission=BillingPermission.READ_USAGE,
        ),
    ),
    job_types=(APPLY_ENTITLEMENTS,),
    jobs=_jobs,
    commands=COMMANDS,
)  # fmt: skip
