"""This room's pages, for the composition root."""

from litestar.handlers import HTTPRouteHandler

from governance.approvals.pages import INBOX_PAGES
from governance.audit_trail.pages import TRAIL_PAGES
from governance.baseline.pages import build_baseline_pages
from governance.changes.pages import build_change_pages
from governance.connections.pages import build_system_pages
from governance.dead_letters.pages import DEAD_LETTER_PAGES
from governance.exception_queue.pages import ATTENTION_PAGES
from governance.fleet.pages import FLEET_PAGES
from governance.overview.pages import OVERVIEW_PAGES
from governance.partner_channel.pages import CHANNEL_PAGES
from governance.retention.pages import build_retention_pages
from governance.services import Context


def build_governance_pages(context: Context) -> list[HTTPRouteHandler]:
    return [
        *OVERVIEW_PAGES,
        *build_change_pages(context),
        *INBOX_PAGES,
        *ATTENTION_PAGES,
        *DEAD_LETTER_PAGES,
        *FLEET_PAGES,
        *build_system_pages(context),
        *CHANNEL_PAGES,
        *build_baseline_pages(context),
        *TRAIL_PAGES,
        *build_retention_pages(context),
    ]
