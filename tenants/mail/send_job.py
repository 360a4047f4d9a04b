"""Job that sends one mail by the MSP's server, or else by the installation's."""

import random
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from branding.brand import Brand
from branding.client_brands import read_client_image
from branding.directory import read_msp_brand, read_own_brand
from branding.image_store import read_own_image
from branding.images import ImageKind
from foundation.clock import Clock
from foundation.database.engine import Database, scope_of
from foundation.i18n.messages import MessageText, message_of, to_param
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.mail_settings import MailSettings, SmtpServer
from foundation.scope import Scope
from foundation.vault.vault import Vault
from tenants.mail import messages
from tenants.mail.compose import Letter, ascii_address, build_message, write_letter
from tenants.mail.job_types import SEND_MAIL
from tenants.mail.mail_types import MAIL_TYPES
from tenants.mail.mailer import Attachment, Mailer, Recipient
from tenants.mail.models import Mail, MailAttachment
from tenants.mail.ports import MailNotSent, MailTransport
from tenants.mail.servers import open_mail_server
from tenants.mail.states import MAILS, MailState


@dataclass(frozen=True, slots=True)
class MailSending:
    """Dependencies of the job."""

    db: Database
    vault: Vault
    mailer: Mailer
    transport: MailTransport
    settings: MailSettings
    clock: Clock


class _Way(NamedTuple):
    """A server, the sender's address if it differs from the brand's, and whether the MSP chose the server."""

    server: SmtpServer
    from_address: str
    guarded: bool


class _Outgoing(NamedTuple):
    message: EmailMessage
    sender: str
    recipient: str
    state: str


def mail_handler(sending: MailSending) -> Handler[NoPayload]:
    async def send_mail(batch: Batch[NoPayload]) -> None:
        (item,) = batch.items
        if item.ref is None:
            return
        way = await _find_way(sending, batch.scope)
        async with batch.read() as session:
            outgoing = await _prepare(session, sending, way, item.ref)
        if outgoing is None:
            return
        problem: MailNotSent | None = None
        try:
            batch.check_lease()
            await _send(sending, way, outgoing)
        except MailNotSent as error:
            problem = error
        final = problem is not None and (problem.permanent or item.attempts + 1 >= SEND_MAIL.retry.attempts)
        if problem is not None and not final:
            delay = SEND_MAIL.retry.delay(item.attempts, 1.0 - random.random())  # noqa: S311 - only a delay
            batch.retry(item, delay=delay, error=problem.reason)
        async with batch.commit() as session:
            await _note(session, sending, item.ref, outgoing.state, problem, final=final, kept=way is None)

    return send_mail


async def _find_way(sending: MailSending, scope: Scope) -> _Way | None:
    msp_account = replace(scope, tenant_id=scope.msp_id)
    async with sending.db.transaction(msp_account) as session:
        own = await open_mail_server(session, sending.vault)
    if own is not None:
        return _Way(*own, guarded=True)
    server = sending.settings.server
    return _Way(server, sending.settings.from_address, guarded=False) if server is not None else None


async def _prepare(session: AsyncSession, sending: MailSending, way: _Way | None, mail_id: UUID) -> _Outgoing | None:
    """The message; None if the mail is gone, or was sent in an earlier attempt."""
    mail = await find_mail(session, mail_id)
    if mail is None or mail.state == MailState.SENT or mail.content is None:
        return None
    brand = await read_sender_brand(session, mail)
    to = recipient_of_mail(mail)
    letter = await read_letter(session, sending.mailer, mail)
    from_address = way.from_address if way is not None else ""
    logo = await _read_logo(session, brand)
    message = build_message(
        letter, brand, to, mail_id=mail.id, from_address=from_address, at=mail.created_at, logo=logo,
        attachments=await _attachments(session, mail),
    )  # fmt: skip
    sender = ascii_address(from_address or brand.support_email)
    return _Outgoing(message, sender, ascii_address(mail.recipient), mail.state)


async def read_sender_brand(session: AsyncSession, mail: Mail) -> Brand:
    """The brand under which a mail is sent: of an invoice, as of its document, the MSP's."""
    mail_type = MAIL_TYPES.get(mail.kind)
    is_of_msp = mail_type is not None and mail_type.is_of_msp
    return await (read_msp_brand if is_of_msp else read_own_brand)(session, mail.brand_id)


async def _read_logo(session: AsyncSession, brand: Brand) -> bytes | None:
    logo = brand.images.get(ImageKind.LOGO)
    if logo is not None and logo.is_of_client:
        return await read_client_image(session, ImageKind.LOGO)
    return await read_own_image(session, brand, ImageKind.LOGO)


async def _attachments(session: AsyncSession, mail: Mail) -> list[Attachment]:
    own = (MailAttachment.tenant_id == mail.tenant_id, MailAttachment.mail_id == mail.id)
    found = await session.scalars(select(MailAttachment).where(*own).order_by(MailAttachment.name))
    return [Attachment(one.name, one.media_type, one.file) for one in found]


async def _send(sending: MailSending, way: _Way | None, outgoing: _Outgoing) -> None:
    if way is None:
        if not sending.settings.mailbox:
            raise MailNotSent(messages.NO_SERVER.write(), permanent=True)
        return
    await sending.transport.send(
        way.server, outgoing.message, sender=outgoing.sender, recipient=outgoing.recipient, guarded=way.guarded
    )


async def _note(  # noqa: PLR0913 - the outcome of one attempt
    session: AsyncSession,
    sending: MailSending,
    mail_id: UUID,
    state: str,
    problem: MailNotSent | None,
    *,
    final: bool,
    kept: bool,
) -> None:
    own = (Mail.tenant_id == scope_of(session).tenant_id, Mail.id == mail_id)
    values: dict[str, object]
    if problem is not None:
        values = {"error": _stored(problem.reason)} | ({"state": MAILS.move(state, MailState.FAILED)} if final else {})
    elif kept:
        values = {"state": MAILS.move(state, MailState.KEPT), "sent_at": sending.clock(), "error": None}
    else:
        sent = MAILS.move(state, MailState.SENT)
        values = {"state": sent, "sent_at": sending.clock(), "error": None, "content": None}
        sent_files = (MailAttachment.tenant_id == scope_of(session).tenant_id, MailAttachment.mail_id == mail_id)
        await session.execute(delete(MailAttachment).where(*sent_files))
    await session.execute(update(Mail).where(*own).values(**values))


def _stored(reason: MessageText) -> object:
    return to_param(message_of(reason))


async def find_mail(session: AsyncSession, mail_id: UUID) -> Mail | None:
    """A mail of the scope's account, or in fleet scope of any account of the MSP."""
    scope = scope_of(session)
    own = Mail.msp_id == scope.msp_id if scope.fleet else Mail.tenant_id == scope.tenant_id
    found: Mail | None = await session.scalar(select(Mail).where(own, Mail.id == mail_id))
    return found


async def read_letter(session: AsyncSession, mailer: Mailer, mail: Mail) -> Letter:
    """The text of a mail that still has its content, in its account's scope.

    Raises:
        MailNotSent: its kind is one of another release.
    """
    mail_type = MAIL_TYPES.get(mail.kind)
    if mail_type is None:
        raise MailNotSent(messages.UNREADABLE.write(), permanent=True)
    brand = await read_sender_brand(session, mail)
    return write_letter(mail_type, await mailer.open_content(session, mail), brand, recipient_of_mail(mail))


def recipient_of_mail(mail: Mail) -> Recipient:
    return Recipient(mail.recipient, mail.recipient_name, mail.language, mail.time_zone)
