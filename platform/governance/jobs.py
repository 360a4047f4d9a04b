"""Job handlers of governance, for the composition root."""

from connectors.events import CONNECTION_FAILING, CONNECTION_PAUSED, CONNECTION_RECOVERED, CONNECTION_RESUMED
from foundation.events import Subscription
from foundation.jobs.types import JobType, RetryPolicy
from governance import job_types
from governance.approvals.expiry_job import expiry_handler
from governance.approvals.release import RELEASE, release_handler
from governance.baseline.acceptance_job import accept_handler
from governance.baseline.forget_job import forget_handler
from governance.baseline.read_job import READ_RETRY, read_handler
from governance.changes.ingest_job import ingest_handler
from governance.changes.redecide_job import redecide_handler
from governance.connections.health_job import health_handler, watch_handler
from governance.drift.scan_job import SCAN_RETRY, scan_drift_handler
from governance.elements.held_observations import release_held_handler
from governance.propagation.backfill_job import backfill_handler
from governance.propagation.push_job import PUSH_RETRY, push_handler
from governance.propagation.verify_job import LOOKS, verify_handler
from governance.services import GovernanceServices
from governance.slo.breach_job import breach_handler
from governance.slo.escalation_job import escalation_handler

SUBSCRIPTIONS = (
    Subscription(CONNECTION_RESUMED, job_types.BACKFILL_CHANNEL),
    Subscription(CONNECTION_RESUMED, job_types.WATCH_CONNECTION),
    Subscription(CONNECTION_FAILING, job_types.WATCH_CONNECTION),
    Subscription(CONNECTION_RECOVERED, job_types.WATCH_CONNECTION),
    Subscription(CONNECTION_PAUSED, job_types.WATCH_CONNECTION),
)


def governance_jobs(services: GovernanceServices) -> list[JobType]:
    return [
        JobType(job_types.INGEST, ingest_handler(services), batch=250),
        JobType(job_types.PUSH, push_handler(services), batch=250, seconds=120.0, retry=PUSH_RETRY),
        JobType(job_types.VERIFY, verify_handler(services), batch=250, seconds=120.0, retry=LOOKS),
        JobType(RELEASE, release_handler(services), batch=100),
        JobType(job_types.REDECIDE, redecide_handler(services), batch=100),
        JobType(job_types.BREACH_SLOS, breach_handler(services), batch=100, retry=RetryPolicy(attempts=1000)),
        JobType(
            job_types.ESCALATE_EXCEPTIONS, escalation_handler(services), batch=100, retry=RetryPolicy(attempts=1000)
        ),
        JobType(job_types.SCAN_DRIFT, scan_drift_handler(services), batch=1, seconds=120.0, retry=SCAN_RETRY),
        JobType(job_types.RELEASE_HELD, release_held_handler(services), batch=1),
        JobType(job_types.WATCH_CONNECTION, watch_handler(services), batch=100),
        JobType(job_types.CHECK_HEALTH, health_handler(services), batch=1),
        JobType(job_types.BACKFILL_CHANNEL, backfill_handler(services), batch=1),
        JobType(job_types.EXPIRE_APPROVALS, expiry_handler(services), batch=100, retry=RetryPolicy(attempts=1000)),
        JobType(job_types.BASELINE_READ, read_handler(services), batch=1, seconds=120.0, retry=READ_RETRY),
        JobType(job_types.BASELINE_ACCEPT, accept_handler(services), batch=1),
        JobType(job_types.BASELINE_FORGET, forget_handler(), batch=1),
    ]
