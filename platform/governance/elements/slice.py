"""What this slice adds to the room."""

from typing import Any, Final

import governance.elements.models
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice
from governance.elements.commands import COMMANDS
from governance.elements.held_observations import release_held_handler
from governance.elements.repair import repair_held_observations
from governance.job_types import RELEASE_OBSERVATIONS
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [JobHandler(RELEASE_OBSERVATIONS, release_held_handler(services))]


SLICE: Final = Slice(
    models=(governance.elements.models,),
    jobs=with_services(_jobs),
    repairs=(repair_held_observations,),
    commands=COMMANDS,
)
