"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import tenants.api_usage.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.retention import DataClass, RetainedTable
from foundation.rooms import AppServices, Slice
from foundation.web.call_counts import CallCounts
from tenants.api_usage.meters import API_CALLS
from tenants.api_usage.store_job import STORE_CALLS, repair_storing, store_handler

RETAINED: Final = (
    DataClass(
        "api_calls", N_("Calls to the API"), N_("Number of calls of each API key, by hour."),
        (RetainedTable("api_call_hour", "hour", by_time=True),), default_days=400, least_days=62,
    ),
)  # fmt: skip


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    return [JobHandler(STORE_CALLS, store_handler(CallCounts(services.valkey), services.clock))]


SLICE: Final = Slice(
    models=(tenants.api_usage.models,),
    meters=(API_CALLS,),
    job_types=(STORE_CALLS,),
    jobs=_jobs,
    repairs=(repair_storing,),
    retained=RETAINED,
)
