"""Every room's kinds of work in one table."""

from billing.jobs import billing_jobs
from connectors.polling import connector_jobs
from controlplane.services import Services
from foundation.idempotency.jobs import idempotency_jobs
from foundation.lanes.jobs import JobKinds
from governance.jobs import governance_jobs
from governance.kinds import INGEST


def build_jobs(services: Services) -> JobKinds:
    context = services.governance
    return JobKinds(
        [
            *governance_jobs(context),
            *connector_jobs(context.runtime, context.clock, context.new_id, ingest_kind=INGEST),
            *billing_jobs(context.clock),
            *idempotency_jobs(context.clock),
        ]
    )
