"""Parts of this slice."""

from typing import Any, Final

import governance.propagation.models
from connectors.events import CONNECTION_RESUMED, ConnectionResumed
from foundation.events import DomainEvent, Subscription
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice
from governance.job_types import BACKFILL_CHANNEL, PUSH, VERIFY, BackfillChannel
from governance.propagation.audit_actions import DeliveryAction
from governance.propagation.backfill_job import backfill_handler
from governance.propagation.meters import ACTIVE_RECORDS, VERIFIED_DELIVERIES
from governance.propagation.push_job import push_handler
from governance.propagation.verify_job import verify_handler
from governance.services import GovernanceServices, with_services


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(PUSH, push_handler(services)),
        JobHandler(VERIFY, verify_handler(services)),
        JobHandler(BACKFILL_CHANNEL, backfill_handler(services)),
    ]


def _backfill(event: DomainEvent[ConnectionResumed]) -> BackfillChannel:
    return BackfillChannel(since=event.payload.since, resumed_at=event.at)


SLICE: Final = Slice(
    audit_actions=(DeliveryAction,),
    models=(governance.propagation.models,),
    jobs=with_services(_jobs),
    subscriptions=(Subscription(CONNECTION_RESUMED, BACKFILL_CHANNEL, _backfill),),
    meters=(VERIFIED_DELIVERIES, ACTIVE_RECORDS),
)
