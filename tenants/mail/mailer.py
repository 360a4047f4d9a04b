"""Queueing of mails in the transaction of their cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.decoding import decode_json
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.types import NoPayload
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault
from tenants.mail.job_types import MAIL_LANE, SEND_MAIL
from tenants.mail.mail_types import TIMES, MailType
from tenants.mail.models import Mail, MailAttachment
from tenants.mail.states import MAILS, MailState

_PURPOSE: Final = "mail:{id}:content"
SEALED_CONTENT: Final = EncryptedColumn("mail", "content", _PURPOSE)


@dataclass(frozen=True, slots=True)
class Portal:
    """The brand and the address of the pages that a mail belongs to. `origin` is the base of its links."""

    origin: str
    brand_id: UUID | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """`language` and `time_zone` as in `tenants.preferences`; never empty."""

    email: str
    name: str
    language: str
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail. `name` is unique in it."""

    name: str
    media_type: str
    file: bytes


class Mailer:
    """Queues mails. `is_certain`: each mail is sent or shown even if the MSP has no mail server of its own."""

    def __init__(self, vault: Vault, new_id: NewId, *, is_certain: bool = False) -> None:
        self._vault = vault
        self._new_id = new_id
        self.is_certain = is_certain

    async def queue(  # noqa: PLR0913 - the parts of a mail
        self,
        session: AsyncSession,
        mail_type: MailType,
        to: Recipient,
        *,
        portal: Portal,
        now: datetime,
        attachments: Sequence[Attachment] = (),
        **params: str | datetime,
    ) -> UUID:
        """Queue a mail for the scope's account, and return its id. A rollback queues nothing. The
        parameter `support` is added from the brand.

        Raises:
            TypeError: `params` are not those of the type's texts.
        """
        if params.keys() != mail_type.params - {"support"}:
            raise TypeError(f"{mail_type.code} has the parameters {sorted(mail_type.params)}, not {sorted(params)}")
        if any(isinstance(value, datetime) != (name in TIMES) for name, value in params.items()):
            raise TypeError(f"the instants of {mail_type.code} are {sorted(TIMES & mail_type.params)}")
        mail_id, scope = self._new_id(), scope_of(session)
        content = await self._vault.encrypt(session, _PURPOSE.format(id=mail_id), msgspec.json.encode(params))
        await session.execute(
            insert(Mail).values(
                tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=mail_id, kind=mail_type.code, recipient=to.email,
                recipient_name=to.name, language=to.language, time_zone=to.time_zone, brand_id=portal.brand_id,
                content=content, state=MAILS.start(MailState.QUEUED), created_at=now,
            )
        )  # fmt: skip
        own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "mail_id": mail_id}
        for one in attachments:
            await session.execute(
                insert(MailAttachment).values(**own, name=one.name, media_type=one.media_type, file=one.file)
            )
        enqueue(session, [mail_job(mail_id)])
        return mail_id

    async def open_content(self, session: AsyncSession, mail: Mail) -> dict[str, str]:
        """Parameters of a mail of the scope's account that was not sent yet; instants in ISO 8601."""
        if mail.content is None:
            return {}
        plain = await self._vault.decrypt(session, _PURPOSE.format(id=mail.id), mail.content)
        return decode_json(plain, type=dict[str, str])


def mail_job(mail_id: UUID) -> NewJob[NoPayload]:
    return NewJob(MAIL_LANE, SEND_MAIL, key=str(mail_id), ref=mail_id)
