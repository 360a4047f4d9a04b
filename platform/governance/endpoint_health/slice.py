"""Parts of this slice."""

from typing import Any, Final

from foundation.events import EventType, Subscription
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice
from governance.endpoint_health.watch_job import watch_handler
from governance.job_types import WATCH_ENDPOINT, WatchEndpoint
from governance.services import GovernanceServices, with_services
from webhooks.events import ENDPOINT_PAUSED, ENDPOINT_RESUMED


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [JobHandler(WATCH_ENDPOINT, watch_handler(services))]


def _watch(event: EventType[Any], *, is_paused: bool) -> Subscription[Any, WatchEndpoint]:
    return Subscription(event, WATCH_ENDPOINT, lambda sent: WatchEndpoint(sent.payload.name, is_paused))


SLICE: Final = Slice(
    jobs=with_services(_jobs),
    subscriptions=(_watch(ENDPOINT_PAUSED, is_paused=True), _watch(ENDPOINT_RESUMED, is_paused=False)),
)
