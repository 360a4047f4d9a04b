"""Parts of this slice."""

from typing import Any, Final

import governance.changes.models
from canonical.messages import Observation
from connectors.translation.subscriptions import MessageSubscription, TranslationFailure
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import NavArea, NavEntry, Slice
from governance.changes.admission import failure_reader
from governance.changes.commands import COMMANDS
from governance.changes.meters import DECIDED_CHANGES, ORDERS
from governance.changes.pages import build_change_pages
from governance.changes.read_observations import observation_reader
from governance.changes.redecide_job import redecide_handler
from governance.changes.routes import build_change_routes
from governance.job_types import REDECIDE
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(REDECIDE, redecide_handler(services)),
    ]


def _message_subscriptions(services: GovernanceServices) -> list[MessageSubscription[Any]]:
    return [
        MessageSubscription(Observation, observation_reader(services)),
        MessageSubscription(TranslationFailure, failure_reader(services)),
    ]


SLICE: Final = Slice(
    commands=COMMANDS,
    models=(governance.changes.models,),
    meters=(DECIDED_CHANGES, ORDERS),
    jobs=with_services(_jobs),
    message_subscriptions=with_services(_message_subscriptions),
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
