"""Parts of this slice."""

from typing import Any, Final

from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.approvals.commands import COMMANDS
from governance.approvals.expiry_job import expiry_handler
from governance.approvals.pages import build_approval_pages
from governance.approvals.release import release_handler
from governance.approvals.repair import repair_expiry
from governance.approvals.routes import build_approval_routes
from governance.job_types import EXPIRE_APPROVALS, RELEASE
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(RELEASE, release_handler(services)),
        JobHandler(EXPIRE_APPROVALS, expiry_handler(services)),
    ]


SLICE: Final = Slice(
    commands=COMMANDS,
    jobs=with_services(_jobs),
    repairs=(repair_expiry,),
    routes=with_services(build_approval_routes),
    pages=with_services(build_approval_pages),
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            position=30,
            label=N_("Approvals"),
            path="/approvals",
            icon="approve",
            permission=GovernancePermission.READ_APPROVALS,
            badge="SELECT 1 FROM change WHERE tenant_id = :t AND state = 'awaiting_approval'",
            badge_permission=GovernancePermission.READ_APPROVALS,
        ),
    ),
)
