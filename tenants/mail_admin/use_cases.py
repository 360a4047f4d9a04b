"""Actions on mails: a test mail, sending again, and the text of a mail that is only shown."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.jobs.enqueue import enqueue
from foundation.mail_settings import MailSettings
from foundation.marks import N_
from tenants.accounts import get_msp
from tenants.emails import clean_email
from tenants.mail.audit_actions import MailAction
from tenants.mail.compose import Letter
from tenants.mail.mail_types import TEST
from tenants.mail.mailer import Mailer, Portal, Recipient, mail_job
from tenants.mail.models import Mail
from tenants.mail.send_job import find_mail, read_letter
from tenants.mail.states import MAILS, MailState


async def send_test_mail(
    session: AsyncSession, mailer: Mailer, to: Recipient, *, portal: Portal, now: datetime
) -> UUID:
    """Queue a test mail, in the scope of the MSP account."""
    clean_email(to.email)
    account = (await get_msp(session)).name
    by = scope_of(session).actor.name
    mail_id = await mailer.queue(session, TEST, to, portal=portal, now=now, account=account, name=by)
    append_audit(
        session, action=MailAction.TEST_REQUESTED, subject=f"mail:{mail_id}", data={"recipient": to.email}, at=now
    )
    return mail_id


async def send_again(session: AsyncSession, mail_id: UUID, *, now: datetime) -> None:
    """Queue a failed mail again, in the scope of its account.

    Raises:
        NotFound: this account has no such mail.
        Conflict: the mail has not failed.
    """
    mail = await find_mail(session, mail_id)
    if mail is None:
        raise NotFound
    if mail.state != MailState.FAILED:
        raise Conflict(N_("Only a mail that was not sent can be sent again."))
    own = (Mail.tenant_id == mail.tenant_id, Mail.id == mail_id)
    await session.execute(update(Mail).where(*own).values(state=MAILS.move(mail.state, MailState.QUEUED)))
    enqueue(session, [mail_job(mail_id)])
    append_audit(session, action=MailAction.SENT_AGAIN, subject=f"mail:{mail_id}", data={}, at=now)


async def show_mail(session: AsyncSession, mailer: Mailer, settings: MailSettings, mail_id: UUID) -> Letter:
    """The text of a mail, if the installation shows mails instead of sending them.

    Raises:
        NotFound: the installation sends mails, or this mail has no text any more.
    """
    mail = await find_mail(session, mail_id) if settings.mailbox else None
    if mail is None or mail.content is None:
        raise NotFound
    return await read_letter(session, mailer, mail)
