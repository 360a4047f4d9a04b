"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

from foundation.jobs.registry import JobHandler
from foundation.rooms import AppServices, Slice
from tenants.impersonation.end_job import record_ends
from tenants.impersonation.job_types import RECORD_END
from tenants.impersonation.pages import IMPERSONATION_PAGES
from tenants.impersonation.routes import IMPERSONATION_ROUTES


def _jobs(_services: AppServices) -> Sequence[JobHandler[Any]]:
    return [JobHandler(RECORD_END, record_ends)]


SLICE: Final = Slice(job_types=(RECORD_END,), jobs=_jobs, routes=IMPERSONATION_ROUTES, pages=IMPERSONATION_PAGES)
