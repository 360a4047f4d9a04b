"""What this slice adds to the room."""

from typing import Final

from foundation.jobs.types import JobType, RetryPolicy
from foundation.rooms import Slice
from governance.job_types import BREACH_SLOS, ESCALATE_EXCEPTIONS
from governance.services import GovernanceServices, with_services
from governance.slo.breach_job import breach_handler
from governance.slo.escalation_job import escalation_handler
from governance.slo.repair import repair_slos
from governance.slo.suspension import move_clocks


def _jobs(services: GovernanceServices) -> list[JobType]:
    return [
        JobType(BREACH_SLOS, breach_handler(services), batch=100, retry=RetryPolicy(attempts=1000)),
        JobType(ESCALATE_EXCEPTIONS, escalation_handler(services), batch=100, retry=RetryPolicy(attempts=1000)),
    ]


SLICE: Final = Slice(
    jobs=with_services(_jobs),
    repairs=(repair_slos,),
    clocks=(move_clocks,),
)
