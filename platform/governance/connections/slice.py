"""What this slice adds to the room."""

from typing import Final

from connectors.events import CONNECTION_FAILING, CONNECTION_PAUSED, CONNECTION_RECOVERED, CONNECTION_RESUMED
from foundation.events import Subscription
from foundation.jobs.types import JobType
from foundation.rooms import NavArea, NavEntry, Slice
from governance.connections.health_job import health_handler, repair_health_timers, watch_handler
from governance.connections.pages import build_connection_pages
from governance.connections.routes import build_connection_routes
from governance.job_types import CHECK_HEALTH, WATCH_CONNECTION
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices, with_services

_WATCHED: Final = (CONNECTION_RESUMED, CONNECTION_FAILING, CONNECTION_RECOVERED, CONNECTION_PAUSED)


def _jobs(services: GovernanceServices) -> list[JobType]:
    return [
        JobType(WATCH_CONNECTION, watch_handler(services), batch=100),
        JobType(CHECK_HEALTH, health_handler(services), batch=1),
    ]


SLICE: Final = Slice(
    jobs=with_services(_jobs),
    subscriptions=tuple(Subscription(event, WATCH_CONNECTION) for event in _WATCHED),
    repairs=(repair_health_timers,),
    routes=with_services(build_connection_routes),
    pages=with_services(build_connection_pages),
    navigation=(
        NavEntry(
            area=NavArea.CLIENT_ACCOUNT,
            position=10,
            label="Connections",
            path="/connections",
            icon="link",
            permission=GovernancePermission.READ_CONNECTIONS,
        ),
    ),
)
