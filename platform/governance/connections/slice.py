"""Parts of this slice."""

from typing import Any, Final

from connectors.events import CONNECTION_FAILING, CONNECTION_PAUSED, CONNECTION_RECOVERED, CONNECTION_RESUMED
from foundation.events import EventType, Subscription
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from governance.connections.commands import COMMANDS
from governance.connections.contracts.pages import build_contract_pages
from governance.connections.detail.pages import build_detail_pages
from governance.connections.expiry_notices import notify_expiring
from governance.connections.health_job import health_handler, repair_health_timers, watch_handler
from governance.connections.meters import ACTIVE_CONNECTIONS
from governance.connections.pages import CONNECTION_PAGES
from governance.connections.reconnect.commands import RECONNECT_COMMANDS
from governance.connections.reconnect.pages import build_reconnect_pages
from governance.connections.reconnect.routes import build_reconnect_routes
from governance.connections.routes import build_connection_routes
from governance.connections.settings.pages import build_settings_pages
from governance.connections.settings.routes import build_settings_routes
from governance.connections.shares.commands import SHARE_COMMANDS
from governance.connections.shares.pages import export_shared_data, show_shared_data_page
from governance.connections.shares.routes import list_shared_data
from governance.job_types import CHECK_HEALTH, WATCH_CONNECTION, ConnectionTurn, WatchConnection
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices, with_services

_WATCHED: Final = (
    (CONNECTION_RESUMED, ConnectionTurn.RESUMED),
    (CONNECTION_FAILING, ConnectionTurn.FAILING),
    (CONNECTION_RECOVERED, ConnectionTurn.RECOVERED),
    (CONNECTION_PAUSED, ConnectionTurn.PAUSED),
)


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(WATCH_CONNECTION, watch_handler(services)),
        JobHandler(CHECK_HEALTH, health_handler(services)),
    ]


def _routes(services: GovernanceServices) -> list[Any]:
    return [
        *build_connection_routes(services),
        *build_settings_routes(services),
        *build_reconnect_routes(services),
        list_shared_data,
    ]


def _pages(services: GovernanceServices) -> list[Any]:
    return [
        *CONNECTION_PAGES,
        *build_settings_pages(services),
        *build_detail_pages(services),
        *build_reconnect_pages(services),
        *build_contract_pages(services),
        show_shared_data_page,
        export_shared_data,
    ]


def _watch(event: EventType[Any], turn: ConnectionTurn) -> Subscription[Any, WatchConnection]:
    return Subscription(event, WATCH_CONNECTION, lambda sent: WatchConnection(turn, sent.at))


SLICE: Final = Slice(
    jobs=with_services(_jobs),
    subscriptions=tuple(_watch(event, turn) for event, turn in _WATCHED),
    repairs=(repair_health_timers, notify_expiring),
    meters=(ACTIVE_CONNECTIONS,),
    commands=(*COMMANDS, *RECONNECT_COMMANDS, *SHARE_COMMANDS),
    routes=with_services(_routes),
    pages=with_services(_pages),
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.SETUP,
            position=10,
            label=N_("Connections"),
            path="/connections",
            icon="link",
            permission=GovernancePermission.READ_CONNECTIONS,
            covers=("/contracts", "/shared-data", "/baselines", "/held-values"),
        ),
    ),
)
