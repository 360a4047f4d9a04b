"""Parts of this slice."""

from typing import Any, Final

import governance.elements.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from governance.elements.commands import COMMANDS
from governance.elements.held_observations import release_held_handler
from governance.elements.pages import ELEMENT_PAGES
from governance.elements.repair import repair_held_observations
from governance.elements.routes import ELEMENT_ROUTES
from governance.job_types import RELEASE_OBSERVATIONS
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [JobHandler(RELEASE_OBSERVATIONS, release_held_handler(services))]


SLICE: Final = Slice(
    models=(governance.elements.models,),
    jobs=with_services(_jobs),
    repairs=(repair_held_observations,),
    routes=lambda _: ELEMENT_ROUTES,
    pages=lambda _: ELEMENT_PAGES,
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.SETUP,
            position=45,
            label=N_("Elements"),
            path="/elements",
            icon="database",
            permission=GovernancePermission.READ_ELEMENTS,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.SETUP,
            position=20,
            label=N_("Elements"),
            path="/elements",
            icon="database",
            permission=GovernancePermission.READ_ELEMENTS,
        ),
    ),
    commands=COMMANDS,
)
