"""Parts of this slice."""

from typing import Any, Final

import governance.proposals.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.retention import DataClass, RetainedTable
from foundation.rooms import Slice
from governance.proposals.audit_actions import ProposalAction
from governance.proposals.commands import COMMANDS
from governance.proposals.job_types import PROPOSE_SCHEDULED
from governance.proposals.pages import build_proposal_pages
from governance.proposals.routes import build_proposal_routes
from governance.proposals.scheduled_job import repair_proposals, scheduled_handler
from governance.services import GovernanceServices, with_services

RETAINED: Final = (
    DataClass(
        "scheduled_proposals", N_("Scheduled values"), N_("Values that people scheduled, once proposed or cancelled."),
        (RetainedTable("scheduled_proposal", "ended_at", by_time=True, closed="state <> 'scheduled'", element="element",
                       record="record_key"),),
        default_days=731, least_days=90,
    ),
)  # fmt: skip


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [JobHandler(PROPOSE_SCHEDULED, scheduled_handler(services))]


SLICE: Final = Slice(
    audit_actions=(ProposalAction,),
    models=(governance.proposals.models,),
    job_types=(PROPOSE_SCHEDULED,),
    jobs=with_services(_jobs),
    repairs=(repair_proposals,),
    routes=with_services(build_proposal_routes),
    pages=with_services(build_proposal_pages),
    commands=COMMANDS,
    retained=RETAINED,
)
