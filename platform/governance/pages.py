"""This room's pages, for the composition root."""

from litestar.handlers import HTTPRouteHandler

from governance.attention.pages import ATTENTION_PAGES
from governance.baseline.pages import build_baseline_pages
from governance.changes.pages import build_change_pages
from governance.channel.pages import CHANNEL_PAGES
from governance.context import Context
from governance.fleet.pages import FLEET_PAGES
from governance.inbox.pages import INBOX_PAGES
from governance.overview.pages import OVERVIEW_PAGES
from governance.retention.pages import build_retention_pages
from governance.systems.pages import build_system_pages
from governance.trail.pages import TRAIL_PAGES


def build_governance_pages(context: Context) -> list[HTTPRouteHandler]:
    return [
        *OVERVIEW_PAGES,
        *build_change_pages(context),
        *INBOX_PAGES,
        *ATTENTION_PAGES,
        *FLEET_PAGES,
        *build_system_pages(context),
        *CHANNEL_PAGES,
        *build_baseline_pages(context),
        *TRAIL_PAGES,
        *build_retention_pages(context),
    ]
