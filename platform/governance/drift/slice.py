"""What this slice adds to the room."""

from typing import Final

import governance.drift.models
from foundation.jobs.types import JobType
from foundation.rooms import Slice
from governance.drift.repair import repair_scans
from governance.drift.scan_job import SCAN_RETRY, scan_drift_handler
from governance.job_types import SCAN_DRIFT
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobType]:
    return [JobType(SCAN_DRIFT, scan_drift_handler(services), batch=1, seconds=120.0, retry=SCAN_RETRY)]


SLICE: Final = Slice(
    models=(governance.drift.models,),
    jobs=with_services(_jobs),
    repairs=(repair_scans,),
)
