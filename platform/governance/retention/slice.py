"""Parts of this slice."""

from typing import Final

import governance.retention.models
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from governance.permissions import GovernancePermission
from governance.retention.audit_actions import RetentionAction
from governance.retention.commands import COMMANDS
from governance.retention.defaults.pages import build_default_pages
from governance.retention.meters import STORAGE
from governance.retention.pages import build_retention_pages
from governance.retention.routes import build_retention_routes
from governance.retention.tables import PINS, RETAINED
from governance.services import with_services

SLICE: Final = Slice(
    audit_actions=(RetentionAction,),
    models=(governance.retention.models,),
    routes=with_services(build_retention_routes),
    pages=with_services(lambda services: (*build_default_pages(services), *build_retention_pages(services))),
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.GOVERNANCE,
            position=50,
            label=N_("Retention"),
            path="/retention",
            icon="clock",
            permission=GovernancePermission.READ_RETENTION,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.GOVERNANCE,
            position=50,
            label=N_("Retention"),
            path="/retention",
            icon="clock",
            permission=GovernancePermission.READ_RETENTION,
        ),
    ),
    meters=(STORAGE,),
    retained=RETAINED,
    pins=PINS,
    commands=COMMANDS,
)
