"""Bodies of the API of mails."""

from datetime import datetime
from uuid import UUID

import msgspec

from foundation.i18n.localizer import translate
from tenants.mail.mail_types import MAIL_TYPES
from tenants.mail.models import MailServer


class MailServerView(msgspec.Struct, frozen=True):
    """The MSP's own mail server. `has_password`: one is stored; it is never shown."""

    host: str
    port: int
    tls: str
    username: str
    has_password: bool
    from_address: str
    updated_at: datetime


class MailView(msgspec.Struct, frozen=True):
    """A mail to a member. `account` is the name of the client, empty for the MSP's own account. `error` is the
    reason why the latest attempt failed, in the reader's language.
    """

    id: UUID
    tenant_id: UUID
    account: str
    kind: str
    recipient: str
    state: str
    created_at: datetime
    sent_at: datetime | None
    error: str

    @property
    def title(self) -> str:
        return translate(MAIL_TYPES[self.kind].title) if self.kind in MAIL_TYPES else self.kind


class MailTextView(msgspec.Struct, frozen=True):
    """The text of a mail that the installation shows instead of sending it."""

    mail: MailView
    subject: str
    text: str


def server_view(server: MailServer) -> MailServerView:
    return MailServerView(
        host=server.host,
        port=server.port,
        tls=server.tls,
        username=server.username,
        has_password=server.password is not None,
        from_address=server.from_address,
        updated_at=server.updated_at,
    )
