"""What this slice adds to the room."""

from typing import Any, Final

import governance.changes.models
from foundation.i18n.messages import N_
from foundation.jobs.registry import JobHandler
from foundation.rooms import NavArea, NavEntry, Slice
from governance.changes.ingest_job import ingest_handler
from governance.changes.pages import build_change_pages
from governance.changes.redecide_job import redecide_handler
from governance.changes.routes import build_change_routes
from governance.job_types import INGEST, REDECIDE
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(INGEST, ingest_handler(services)),
        JobHandler(REDECIDE, redecide_handler(services)),
    ]


SLICE: Final = Slice(
    models=(governance.changes.models,),
    jobs=with_services(_jobs),
    routes=with_services(build_change_routes),
    pages=with_services(build_change_pages),
    navigation=(
        NavEntry(
            area=NavArea.CLIENT,
            position=20,
            label=N_("Changes"),
            path="/changes",
            icon="activity",
            permission=GovernancePermission.READ_CHANGES,
        ),
    ),
)
