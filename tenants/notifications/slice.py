"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import tenants.notifications.models
from foundation.jobs.registry import JobHandler
from foundation.rooms import AppServices, RoleGrant, Slice
from policy.cache import PolicyCache
from tenants.mail.mailer import Mailer
from tenants.notifications.account_defaults.pages import DEFAULTS_PAGES
from tenants.notifications.account_defaults.routes import DEFAULTS_ROUTES
from tenants.notifications.audit_actions import NotificationAction
from tenants.notifications.commands import COMMANDS
from tenants.notifications.events import EVENTS
from tenants.notifications.job_types import NOTIFY, SEND_NOTICES
from tenants.notifications.mail_job import NoticeMails, send_notices_handler
from tenants.notifications.notify_job import Notifier, notify_handler
from tenants.notifications.pages import NOTIFICATION_PAGES
from tenants.notifications.routes import NOTIFICATION_ROUTES
from tenants.permissions import TenantPermission


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    policies = services.get(PolicyCache)
    notifier = Notifier(services.db, policies, services.new_id, services.clock)
    mails = NoticeMails(policies, services.get(Mailer), services.clock, services.settings.public_port)
    return JobHandler(NOTIFY, notify_handler(notifier)), JobHandler(SEND_NOTICES, send_notices_handler(mails))


SLICE: Final = Slice(
    models=(tenants.notifications.models,),
    events=EVENTS,
    audit_actions=(NotificationAction,),
    job_types=(NOTIFY, SEND_NOTICES),
    jobs=_jobs,
    routes=(*NOTIFICATION_ROUTES, *DEFAULTS_ROUTES),
    pages=(*NOTIFICATION_PAGES, *DEFAULTS_PAGES),
    grants=(
        RoleGrant("msp_admin", TenantPermission.WRITE_NOTIFICATION_DEFAULTS),
        RoleGrant("client_admin", TenantPermission.WRITE_NOTIFICATION_DEFAULTS),
    ),
    commands=COMMANDS,
)
