"""This room's work, for the composition root."""

from connectors.events import CONNECTION_FAILING, CONNECTION_PAUSED, CONNECTION_RECOVERED, CONNECTION_RESUMED
from foundation.lanes.events import Subscription
from foundation.lanes.jobs import JobKind, RetryPolicy
from governance import kinds
from governance.anew import anew_handler
from governance.baseline.accepting import accept_handler
from governance.baseline.forgetting import forget_handler
from governance.baseline.reading import READ_RETRY, read_handler
from governance.catching_up import catch_up_handler
from governance.clocks import clocks_handler
from governance.context import Context
from governance.corrections import corrections_handler
from governance.expiry import approvals_handler
from governance.held import held_handler
from governance.ingest import ingest_handler
from governance.propagate import PUSH_RETRY, push_handler
from governance.readback import LOOKS, verify_handler
from governance.release import RELEASE, release_handler
from governance.reread import REREAD_RETRY, reread_handler
from governance.standing import standing_handler, watch_handler

SUBSCRIPTIONS = (
    Subscription(CONNECTION_RESUMED, kinds.CATCH_UP),
    Subscription(CONNECTION_RESUMED, kinds.WATCH),
    Subscription(CONNECTION_FAILING, kinds.WATCH),
    Subscription(CONNECTION_RECOVERED, kinds.WATCH),
    Subscription(CONNECTION_PAUSED, kinds.WATCH),
)


def governance_jobs(context: Context) -> list[JobKind]:
    return [
        JobKind(kinds.INGEST, ingest_handler(context), batch=250),
        JobKind(kinds.PUSH, push_handler(context), batch=250, seconds=120.0, retry=PUSH_RETRY),
        JobKind(kinds.VERIFY, verify_handler(context), batch=250, seconds=120.0, retry=LOOKS),
        JobKind(RELEASE, release_handler(context), batch=100),
        JobKind(kinds.DECIDE_ANEW, anew_handler(context), batch=100),
        JobKind(kinds.CLOCKS, clocks_handler(context), batch=100, retry=RetryPolicy(attempts=1000)),
        JobKind(kinds.CORRECTIONS, corrections_handler(context), batch=100, retry=RetryPolicy(attempts=1000)),
        JobKind(kinds.REREAD, reread_handler(context), batch=1, seconds=120.0, retry=REREAD_RETRY),
        JobKind(kinds.RELEASE_HELD, held_handler(context), batch=1),
        JobKind(kinds.WATCH, watch_handler(context), batch=100),
        JobKind(kinds.STANDING, standing_handler(context), batch=1),
        JobKind(kinds.CATCH_UP, catch_up_handler(context), batch=1),
        JobKind(kinds.APPROVALS, approvals_handler(context), batch=100, retry=RetryPolicy(attempts=1000)),
        JobKind(kinds.BASELINE_READ, read_handler(context), batch=1, seconds=120.0, retry=READ_RETRY),
        JobKind(kinds.BASELINE_ACCEPT, accept_handler(context), batch=1),
        JobKind(kinds.BASELINE_FORGET, forget_handler(), batch=1),
    ]
