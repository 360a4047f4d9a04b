"""What this slice adds to the product."""

from collections.abc import Sequence
from typing import Final

from foundation.jobs.registry import JobHandler
from foundation.rooms import AppServices, Slice
from policy.cache import PolicyCache
from tenants.notifications.audit_actions import NotificationAction
from tenants.notifications.commands import COMMANDS
from tenants.notifications.notify import NOTIFY, NotifyMembers
from tenants.notifications.notify_job import Notifier, notify_handler
from tenants.notifications.pages import NOTIFICATION_PAGES
from tenants.notifications.routes import NOTIFICATION_ROUTES


def _jobs(services: AppServices) -> Sequence[JobHandler[NotifyMembers]]:
    notifier = Notifier(services.db, services.get(PolicyCache), services.new_id)
    return (JobHandler(NOTIFY, notify_handler(notifier)),)


SLICE: Final = Slice(
    audit_actions=(NotificationAction,),
    job_types=(NOTIFY,),
    jobs=_jobs,
    routes=NOTIFICATION_ROUTES,
    pages=NOTIFICATION_PAGES,
    commands=COMMANDS,
)
