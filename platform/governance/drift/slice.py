"""Parts of this slice."""

from typing import Any, Final

import governance.drift.models
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice
from governance.drift.repair import repair_scans
from governance.drift.scan_job import scan_drift_handler
from governance.job_types import SCAN_DRIFT
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [JobHandler(SCAN_DRIFT, scan_drift_handler(services))]


SLICE: Final = Slice(
    models=(governance.drift.models,),
    jobs=with_services(_jobs),
    repairs=(repair_scans,),
)
