"""The API of governance, for the composition root."""

from litestar.handlers import HTTPRouteHandler

from governance.approvals.routes import APPROVAL_ROUTES
from governance.audit_trail.routes import TRAIL_ROUTES
from governance.baseline.routes import build_baseline_routes
from governance.changes.routes import build_change_routes
from governance.connections.routes import build_connection_routes
from governance.dead_letters.routes import DEAD_LETTER_ROUTES
from governance.exception_queue.routes import EXCEPTION_ROUTES
from governance.fleet.routes import FLEET_ROUTES
from governance.overview.routes import OVERVIEW_ROUTES
from governance.partner_channel.routes import CHANNEL_ROUTES
from governance.retention.routes import build_retention_routes
from governance.services import GovernanceServices


def build_governance_routes(services: GovernanceServices) -> list[HTTPRouteHandler]:
    return [
        *OVERVIEW_ROUTES,
        *build_change_routes(services),
        *APPROVAL_ROUTES,
        *EXCEPTION_ROUTES,
        *DEAD_LETTER_ROUTES,
        *FLEET_ROUTES,
        *build_connection_routes(services),
        *CHANNEL_ROUTES,
        *build_baseline_routes(services),
        *TRAIL_ROUTES,
        *build_retention_routes(services),
    ]
