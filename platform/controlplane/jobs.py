"""Registry of every room's job types and event subscriptions."""

from billing.jobs import billing_jobs, repair_billing
from connectors import events as connection_events
from connectors.poll_job import connector_jobs, repair_polls
from controlplane.audit_export import export_job, repair_export
from controlplane.services import Services
from foundation.events import deliver_job
from foundation.idempotency.jobs import idempotency_jobs
from foundation.idempotency.response_store import repair_pruning
from foundation.jobs.repair import repair_job
from foundation.jobs.types import JobTypes
from governance.job_types import INGEST
from governance.jobs import SUBSCRIPTIONS as GOVERNANCE_SUBSCRIPTIONS
from governance.jobs import governance_jobs
from governance.timer_repair import repair_governance

ANNOUNCED = (*connection_events.EVENTS,)


def build_jobs(services: Services) -> JobTypes:
    context = services.governance
    kinds = [
        *governance_jobs(context),
        *connector_jobs(context.runtime, context.clock, context.new_id, ingest_kind=INGEST),
        *billing_jobs(context.clock),
        *idempotency_jobs(context.clock),
        export_job(services),
    ]
    duties = (repair_polls, repair_governance, repair_billing, repair_pruning, repair_export)
    return JobTypes(
        [*kinds, repair_job(duties, context.clock), deliver_job(ANNOUNCED, GOVERNANCE_SUBSCRIPTIONS, kinds)]
    )
