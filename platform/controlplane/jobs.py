"""Every room's kinds of work in one table."""

from controlplane.services import Services
from foundation.lanes.jobs import JobKinds
from governance.jobs import governance_jobs


def build_jobs(services: Services) -> JobKinds:
    return JobKinds([*governance_jobs(services.governance)])
