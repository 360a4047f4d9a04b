"""What this slice adds to the room."""

from typing import Final

import governance.baseline.models
from foundation.jobs.types import JobType
from foundation.rooms import Slice
from governance.baseline.acceptance_job import accept_handler
from governance.baseline.commands import COMMANDS
from governance.baseline.forget_job import forget_handler
from governance.baseline.pages import build_baseline_pages
from governance.baseline.read_job import READ_RETRY, read_handler
from governance.baseline.repair import repair_source_polls
from governance.baseline.routes import build_baseline_routes
from governance.job_types import BASELINE_ACCEPT, BASELINE_FORGET, BASELINE_READ
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobType]:
    return [
        JobType(BASELINE_READ, read_handler(services), batch=1, seconds=120.0, retry=READ_RETRY),
        JobType(BASELINE_ACCEPT, accept_handler(services), batch=1),
        JobType(BASELINE_FORGET, forget_handler(), batch=1),
    ]


SLICE: Final = Slice(
    models=(governance.baseline.models,),
    jobs=with_services(_jobs),
    repairs=(repair_source_polls,),
    commands=COMMANDS,
    routes=with_services(build_baseline_routes),
    pages=with_services(build_baseline_pages),
)
