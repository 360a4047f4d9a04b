"""What this slice adds to the room."""

from typing import Final

import governance.propagation.models
from connectors.events import CONNECTION_RESUMED
from foundation.events import Subscription
from foundation.jobs.types import JobType
from foundation.rooms import Slice
from governance.job_types import BACKFILL_CHANNEL, PUSH, VERIFY
from governance.propagation.backfill_job import backfill_handler
from governance.propagation.meters import VERIFIED_DELIVERIES
from governance.propagation.push_job import PUSH_RETRY, push_handler
from governance.propagation.verify_job import LOOKS, verify_handler
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobType]:
    return [
        JobType(PUSH, push_handler(services), batch=250, seconds=120.0, retry=PUSH_RETRY),
        JobType(VERIFY, verify_handler(services), batch=250, seconds=120.0, retry=LOOKS),
        JobType(BACKFILL_CHANNEL, backfill_handler(services), batch=1),
    ]


SLICE: Final = Slice(
    models=(governance.propagation.models,),
    jobs=with_services(_jobs),
    subscriptions=(Subscription(CONNECTION_RESUMED, BACKFILL_CHANNEL),),
    meters=(VERIFIED_DELIVERIES,),
)
