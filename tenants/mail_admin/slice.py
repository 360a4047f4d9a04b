"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import tenants.mail.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.outbound.guard import Guard
from foundation.outbound.settings import OutboundSettings, parse_allowed
from foundation.retention import DataClass, RetainedTable
from foundation.rooms import AppServices, MenuSection, NavArea, NavEntry, Slice
from tenants.mail.audit_actions import MailAction
from tenants.mail.job_types import SEND_MAIL
from tenants.mail.mailer import SEALED_CONTENT, Mailer
from tenants.mail.send_job import MailSending, mail_handler
from tenants.mail.servers import SEALED_PASSWORD
from tenants.mail.smtp import SMTP_PORTS, SmtpTransport
from tenants.mail.states import MailState
from tenants.mail_admin.commands import COMMANDS
from tenants.mail_admin.pages import build_mail_pages
from tenants.mail_admin.routes import build_mail_routes
from tenants.permissions import TenantPermission


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    allowed = parse_allowed(services.settings.outbound_allowed)
    sending = MailSending(
        db=services.db,
        vault=services.vault,
        mailer=services.get(Mailer),
        transport=SmtpTransport(Guard(OutboundSettings(allowed=allowed, ports=SMTP_PORTS))),
        settings=services.settings.mail,
        clock=services.clock,
    )
    return [JobHandler(SEND_MAIL, mail_handler(sending))]


RETAINED: Final = (
    DataClass(
        "mails", N_("Mails"),
        N_("Mails to members and billing contacts, with their result. The text of a sent one is not kept."),
        (RetainedTable("mail", "created_at", by_time=True, closed=f"state <> '{MailState.QUEUED}'"),),
        default_days=400, least_days=30,
    ),
)  # fmt: skip

SLICE: Final = Slice(
    models=(tenants.mail.models,),
    job_types=(SEND_MAIL,),
    jobs=_jobs,
    routes=build_mail_routes,
    pages=build_mail_pages,
    audit_actions=(MailAction,),
    sealed_columns=(SEALED_CONTENT, SEALED_PASSWORD),
    retained=RETAINED,
    commands=COMMANDS,
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.ACCOUNT,
            position=36,
            label=N_("Mail"),
            path="/mail",
            icon="mail",
            permission=TenantPermission.READ_MAILS,
        ),
    ),
)
