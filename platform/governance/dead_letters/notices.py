"""Notifications about jobs that failed for good."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.jobs.dead_letters import take_unnoticed
from governance.notices import JOBS_FAILED
from tenants.notifications.job_types import NOTIFY
from tenants.notifications.notify import notify


async def notify_failed_jobs(session: AsyncSession, now: datetime) -> None:
    """A duty of each client's account, every few minutes; announces each failed job once. Failed notifications are left
    out, because each would cause another one.
    """
    scope = scope_of(session)
    if scope.tenant_id == scope.msp_id:  # its failed jobs have no page
        return
    failed = [kind for kind in await take_unnoticed(session, now) if kind != NOTIFY.name]
    if failed:
        notify(session, JOBS_FAILED, topic=JOBS_FAILED.path, path=JOBS_FAILED.path, at=now, number=len(failed))
