"""Parts of this slice."""

from typing import Final

import governance.dashboards.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.dashboards.audit_actions import DashboardAction
from governance.dashboards.commands import COMMANDS
from governance.dashboards.copy_job import copy_handler
from governance.dashboards.job_types import COPY_DEFAULT
from governance.dashboards.pages import build_dashboard_pages
from governance.dashboards.routes import build_dashboard_routes
from governance.services import with_services
from tenants.permissions import TenantPermission

SLICE: Final = Slice(
    models=(governance.dashboards.models,),
    routes=lambda services: build_dashboard_routes(services.rooms),
    pages=lambda services: build_dashboard_pages(services.rooms),
    job_types=(COPY_DEFAULT,),
    jobs=with_services(lambda services: (JobHandler(COPY_DEFAULT, copy_handler(services)),)),
    audit_actions=(DashboardAction,),
    navigation=tuple(
        NavEntry(
            area=area, position=3, label=N_("Dashboard"), path="/dashboard", icon="chart",
            permission=TenantPermission.READ_NOTIFICATIONS,
        )
        for area in (NavArea.MSP, NavArea.CLIENT)
    ),
    commands=COMMANDS,
)  # fmt: skip
