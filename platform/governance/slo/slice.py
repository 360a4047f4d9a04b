"""Parts of this slice."""

from typing import Any, Final

from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice
from governance.job_types import BREACH_SLOS, ESCALATE_EXCEPTIONS
from governance.services import GovernanceServices, with_services
from governance.slo.attainment import assess_month
from governance.slo.breach_job import breach_handler
from governance.slo.escalation_job import escalation_handler
from governance.slo.repair import repair_slos
from governance.slo.suspension import move_clocks


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(BREACH_SLOS, breach_handler(services)),
        JobHandler(ESCALATE_EXCEPTIONS, escalation_handler(services)),
    ]


SLICE: Final = Slice(
    jobs=with_services(_jobs),
    repairs=(repair_slos, assess_month),
    clocks=(move_clocks,),
)
