"""What this slice adds to the room."""

from typing import Final

import governance.changes.models
from foundation.jobs.types import JobType
from foundation.rooms import NavArea, NavEntry, Slice
from governance.changes.ingest_job import ingest_handler
from governance.changes.pages import build_change_pages
from governance.changes.redecide_job import redecide_handler
from governance.changes.routes import build_change_routes
from governance.job_types import INGEST, REDECIDE
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobType]:
    return [
        JobType(INGEST, ingest_handler(services), batch=250),
        JobType(REDECIDE, redecide_handler(services), batch=100),
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
            label="Changes",
            path="/changes",
            icon="activity",
            permission=GovernancePermission.READ_CHANGES,
        ),
    ),
)
