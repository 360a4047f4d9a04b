"""Job that opens an exception when the product pauses a webhook endpoint, and resolves it when it is resumed.

An MSP's own account has no exceptions: its members are notified only.
"""

from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import NewException
from governance.job_types import WatchEndpoint
from governance.messages import exceptions as messages
from governance.notices import WEBHOOK_PAUSED
from governance.services import GovernanceServices
from tenants.notifications.notify import notify


def watch_handler(services: GovernanceServices) -> Handler[WatchEndpoint]:
    async def watch_endpoints(batch: Batch[WatchEndpoint]) -> None:
        latest = {item.ref: item for item in batch.items}
        paused = [
            NewException(
                code=ExceptionType.WEBHOOK_PAUSED,
                subject=str(item.ref),
                message=messages.WEBHOOK_PAUSED.fill(name=item.payload.name),
                correlation=item.correlation,
            )
            for item in latest.values()
            if item.payload.is_paused
        ]
        resumed = [str(item.ref) for item in latest.values() if not item.payload.is_paused]
        now = services.clock()
        async with batch.commit() as session:
            if batch.scope.tenant_id == batch.scope.msp_id:
                for one in paused:
                    path = f"{WEBHOOK_PAUSED.path}/{one.subject}"
                    notify(session, WEBHOOK_PAUSED, topic=one.subject, path=path, at=now)
                return
            await open_exceptions(session, paused, now=now, new_id=services.new_id)
            await auto_resolve(session, ExceptionType.WEBHOOK_PAUSED, resumed, now=now)

    return watch_endpoints
