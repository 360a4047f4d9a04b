"""Parts of this slice."""

from typing import Final

import governance.playbooks.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, RoleGrant, Slice
from governance.playbooks.audit_actions import PlaybookAction
from governance.playbooks.commands import COMMANDS
from governance.playbooks.gates_job import gates_handler, watch_gates
from governance.playbooks.job_types import CHECK_GATES
from governance.playbooks.pages import PLAYBOOK_PAGES
from governance.playbooks.permissions import PlaybookPermission
from governance.playbooks.routes import PLAYBOOK_ROUTES
from governance.services import with_services

SLICE: Final = Slice(
    models=(governance.playbooks.models,),
    job_types=(CHECK_GATES,),
    jobs=with_services(lambda services: [JobHandler(CHECK_GATES, gates_handler(services))]),
    repairs=(watch_gates,),
    routes=lambda _: PLAYBOOK_ROUTES,
    pages=lambda _: PLAYBOOK_PAGES,
    permissions=(PlaybookPermission,),
    audit_actions=(PlaybookAction,),
    grants=(
        RoleGrant("msp_operator", PlaybookPermission.READ_PROJECTS),
        RoleGrant("msp_operator", PlaybookPermission.WRITE_PROJECTS),
        RoleGrant("msp_admin", PlaybookPermission.WAIVE_FACTS),
        RoleGrant("msp_admin", PlaybookPermission.WRITE_PLAYBOOKS),
    ),
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            position=14,
            label=N_("Stuck tasks"),
            path="/onboarding-tasks",
            icon="flag",
            permission=PlaybookPermission.READ_PROJECTS,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.SETUP,
            position=6,
            label=N_("Onboarding project"),
            path="/project",
            icon="flag",
            permission=PlaybookPermission.READ_PROJECTS,
        ),
    ),
    commands=COMMANDS,
)
