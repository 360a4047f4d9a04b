"""Job that reads the facts of a client's onboarding project, so that a passed gate is recorded without a change of a
task.

The repair of timers sets the job's timer every few minutes while a gate is open, so that facts need no events.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import NoPayload
from governance.job_types import TIMER_LANE
from governance.playbooks.facts import load_project_facts
from governance.playbooks.gates import has_open_gates, record_gates
from governance.playbooks.job_types import CHECK_GATES
from governance.playbooks.stuck_notices import notify_stuck
from governance.services import GovernanceServices


async def watch_gates(session: AsyncSession, now: datetime) -> None:
    """Check the gates now if one is open; a duty of `foundation.jobs.repair`."""
    if await has_open_gates(session):
        await ensure_timer(session, name=CHECK_GATES.name, lane=TIMER_LANE, job_type=CHECK_GATES, due_at=now)


def gates_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def check_gates(batch: Batch[NoPayload]) -> None:
        if services.db is None:
            raise LookupError("this job needs the database of the services")
        now, scope = services.clock(), batch.scope
        async with services.db.transaction(scope.for_fleet()) as session:
            facts = await load_project_facts(session, scope.tenant_id, now=now)
        async with batch.commit() as session:
            await record_gates(session, facts, now=now)
            await notify_stuck(session, facts, now=now)

    return check_gates
