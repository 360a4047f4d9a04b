"""Parts of this slice."""

from typing import Final

import tenants.list_views.models
from foundation.rooms import Slice
from tenants.list_views.audit_actions import ListViewAction
from tenants.list_views.pages import LIST_VIEW_PAGES
from tenants.list_views.routes import LIST_VIEW_ROUTES

SLICE: Final = Slice(
    models=(tenants.list_views.models,),
    audit_actions=(ListViewAction,),
    routes=LIST_VIEW_ROUTES,
    pages=LIST_VIEW_PAGES,
)
