"""This room's work, for the composition root."""

from connectors.events import CONNECTION_FAILING, CONNECTION_PAUSED, CONNECTION_RECOVERED, CONNECTION_RESUMED
from foundation.events import Subscription
from foundation.jobs.types import JobKind, RetryPolicy
from governance import job_types
from governance.approvals.expiry_job import approvals_handler
from governance.approvals.release import RELEASE, release_handler
from governance.baseline.acceptance_job import accept_handler
from governance.baseline.forget_job import forget_handler
from governance.baseline.read_job import READ_RETRY, read_handler
from governance.changes.ingest_job import ingest_handler
from governance.changes.redecide_job import anew_handler
from governance.connections.health_job import standing_handler, watch_handler
from governance.drift.scan_job import REREAD_RETRY, reread_handler
from governance.elements.held_observations import held_handler
from governance.propagation.backfill_job import catch_up_handler
from governance.propagation.push_job import PUSH_RETRY, push_handler
from governance.propagation.verify_job import LOOKS, verify_handler
from governance.services import Context
from governance.slo.breach_job import clocks_handler
from governance.slo.escalation_job import corrections_handler

SUBSCRIPTIONS = (
    Subscription(CONNECTION_RESUMED, job_types.CATCH_UP),
    Subscription(CONNECTION_RESUMED, job_types.WATCH),
    Subscription(CONNECTION_FAILING, job_types.WATCH),
    Subscription(CONNECTION_RECOVERED, job_types.WATCH),
    Subscription(CONNECTION_PAUSED, job_types.WATCH),
)


def governance_jobs(context: Context) -> list[JobKind]:
    return [
        JobKind(job_types.INGEST, ingest_handler(context), batch=250),
        JobKind(job_types.PUSH, push_handler(context), batch=250, seconds=120.0, retry=PUSH_RETRY),
        JobKind(job_types.VERIFY, verify_handler(context), batch=250, seconds=120.0, retry=LOOKS),
        JobKind(RELEASE, release_handler(context), batch=100),
        JobKind(job_types.DECIDE_ANEW, anew_handler(context), batch=100),
        JobKind(job_types.CLOCKS, clocks_handler(context), batch=100, retry=RetryPolicy(attempts=1000)),
        JobKind(job_types.CORRECTIONS, corrections_handler(context), batch=100, retry=RetryPolicy(attempts=1000)),
        JobKind(job_types.REREAD, reread_handler(context), batch=1, seconds=120.0, retry=REREAD_RETRY),
        JobKind(job_types.RELEASE_HELD, held_handler(context), batch=1),
        JobKind(job_types.WATCH, watch_handler(context), batch=100),
        JobKind(job_types.STANDING, standing_handler(context), batch=1),
        JobKind(job_types.CATCH_UP, catch_up_handler(context), batch=1),
        JobKind(job_types.APPROVALS, approvals_handler(context), batch=100, retry=RetryPolicy(attempts=1000)),
        JobKind(job_types.BASELINE_READ, read_handler(context), batch=1, seconds=120.0, retry=READ_RETRY),
        JobKind(job_types.BASELINE_ACCEPT, accept_handler(context), batch=1),
        JobKind(job_types.BASELINE_FORGET, forget_handler(), batch=1),
    ]
