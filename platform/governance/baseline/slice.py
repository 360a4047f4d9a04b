"""Parts of this slice."""

from typing import Any, Final

import governance.baseline.models
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice
from governance.baseline.acceptance_job import accept_handler
from governance.baseline.commands import COMMANDS
from governance.baseline.delete_readings_job import delete_readings_handler
from governance.baseline.job_types import ACCEPT_BASELINE, DELETE_READINGS, JOB_TYPES, READ_BASELINE
from governance.baseline.pages import build_baseline_pages
from governance.baseline.read_job import read_handler
from governance.baseline.repair import repair_source_polls
from governance.baseline.routes import build_baseline_routes
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(READ_BASELINE, read_handler(services)),
        JobHandler(ACCEPT_BASELINE, accept_handler(services)),
        JobHandler(DELETE_READINGS, delete_readings_handler()),
    ]


SLICE: Final = Slice(
    models=(governance.baseline.models,),
    job_types=JOB_TYPES,
    jobs=with_services(_jobs),
    repairs=(repair_source_polls,),
    commands=COMMANDS,
    routes=with_services(build_baseline_routes),
    pages=with_services(build_baseline_pages),
)
