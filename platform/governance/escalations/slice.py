"""Parts of this slice."""

from typing import Any, Final

import governance.escalations.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, RoleGrant, Slice
from governance.escalations.audit_actions import EscalationAction, LadderAction
from governance.escalations.commands import COMMANDS
from governance.escalations.copy_job import copy_handler
from governance.escalations.job_types import COPY_LADDER
from governance.escalations.pages import build_ladder_pages
from governance.escalations.pause import record_pause
from governance.escalations.permissions import EscalationPermission
from governance.escalations.reach_job import reach_handler
from governance.escalations.repair import repair_escalations
from governance.escalations.routes import ITEM_ROUTES, build_ladder_routes
from governance.job_types import REACH_ESCALATIONS
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(REACH_ESCALATIONS, reach_handler(services)),
        JobHandler(COPY_LADDER, copy_handler(services)),
    ]


SLICE: Final = Slice(
    models=(governance.escalations.models,),
    job_types=(COPY_LADDER,),
    jobs=with_services(_jobs),
    repairs=(repair_escalations,),
    clocks=(record_pause,),
    permissions=(EscalationPermission,),
    grants=(
        RoleGrant("client_viewer", EscalationPermission.READ_LADDER),
        RoleGrant("client_admin", EscalationPermission.WRITE_LADDER),
        RoleGrant("msp_admin", EscalationPermission.WRITE_LADDER),
    ),
    audit_actions=(EscalationAction, LadderAction),
    routes=with_services(lambda services: (*build_ladder_routes(services), *ITEM_ROUTES)),
    pages=with_services(build_ladder_pages),
    navigation=tuple(
        NavEntry(
            area=area, section=MenuSection.GOVERNANCE, position=position, label=N_("Escalation"), path="/escalations",
            icon="clock",
            permission=EscalationPermission.READ_LADDER,
        )
        for area, position in ((NavArea.MSP, 47), (NavArea.CLIENT, 16))
    ),
    commands=COMMANDS,
)  # fmt: skip
