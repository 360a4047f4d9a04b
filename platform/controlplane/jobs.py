"""Every room's kinds of work in one table, and who is told of which event."""

from billing.jobs import billing_jobs
from connectors import events as connection_events
from connectors.polling import connector_jobs
from controlplane.services import Services
from foundation.idempotency.jobs import idempotency_jobs
from foundation.lanes.events import deliver_job
from foundation.lanes.jobs import JobKinds
from governance.jobs import SUBSCRIPTIONS as GOVERNANCE_SUBSCRIPTIONS
from governance.jobs import governance_jobs
from governance.kinds import INGEST

ANNOUNCED = (*connection_events.EVENTS,)


def build_jobs(services: Services) -> JobKinds:
    context = services.governance
    kinds = [
        *governance_jobs(context),
        *connector_jobs(context.runtime, context.clock, context.new_id, ingest_kind=INGEST),
        *billing_jobs(context.clock),
        *idempotency_jobs(context.clock),
    ]
    return JobKinds([*kinds, deliver_job(ANNOUNCED, GOVERNANCE_SUBSCRIPTIONS, kinds)])
