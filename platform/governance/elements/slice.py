"""What this slice adds to the room."""

from typing import Final

import governance.elements.models
from foundation.jobs.types import JobType
from foundation.rooms import Slice
from governance.elements.commands import COMMANDS
from governance.elements.held_observations import release_held_handler
from governance.elements.repair import repair_held_observations
from governance.job_types import RELEASE_HELD
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobType]:
    return [JobType(RELEASE_HELD, release_held_handler(services), batch=1)]


SLICE: Final = Slice(
    models=(governance.elements.models,),
    jobs=with_services(_jobs),
    repairs=(repair_held_observations,),
    commands=COMMANDS,
)
