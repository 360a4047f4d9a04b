"""Pages of governance, for the composition root."""

from litestar.handlers import HTTPRouteHandler

from governance.approvals.pages import APPROVAL_PAGES
from governance.audit_trail.pages import TRAIL_PAGES
from governance.baseline.pages import build_baseline_pages
from governance.changes.pages import build_change_pages
from governance.connections.pages import build_connection_pages
from governance.dead_letters.pages import DEAD_LETTER_PAGES
from governance.exception_queue.pages import EXCEPTION_PAGES
from governance.fleet.pages import FLEET_PAGES
from governance.overview.pages import OVERVIEW_PAGES
from governance.partner_channel.pages import CHANNEL_PAGES
from governance.retention.pages import build_retention_pages
from governance.services import GovernanceServices


def build_governance_pages(services: GovernanceServices) -> list[HTTPRouteHandler]:
    return [
        *OVERVIEW_PAGES,
        *build_change_pages(services),
        *APPROVAL_PAGES,
        *EXCEPTION_PAGES,
        *DEAD_LETTER_PAGES,
        *FLEET_PAGES,
        *build_connection_pages(services),
        *CHANNEL_PAGES,
        *build_baseline_pages(services),
        *TRAIL_PAGES,
        *build_retention_pages(services),
    ]
