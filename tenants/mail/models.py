"""Tables of outgoing mail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from tenants.mail.states import MailState


class Mail(TenantOwned, Base):
    """A mail to one person. `content` are its parameters, sealed in the vault because they contain links that sign in;
    it is deleted once the mail is sent. `brand_id` is the brand of the page that caused the mail.
    """

    __tablename__ = "mail"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    recipient: Mapped[str]
    recipient_name: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    brand_id: Mapped[UUID | None]
    content: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(server_default=MailState.QUEUED)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # a message

    __table_args__ = (Index("ix_mail_msp_id_id", "msp_id", "id"),)


class MailAttachment(TenantOwned, Base):
    """A file of a mail; deleted once the mail is sent."""

    __tablename__ = "mail_attachment"

    mail_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    file: Mapped[bytes]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "mail_id"], ["mail.tenant_id", "mail.id"], ondelete="CASCADE"),
    )


class MailServer(TenantOwned, Base):
    """An MSP's own mail server, in the MSP account. `password` is sealed in its vault."""

    __tablename__ = "mail_server"

    host: Mapped[str]
    port: Mapped[int]
    tls: Mapped[str]
    username: Mapped[str]
    password: Mapped[bytes | None]
    from_address: Mapped[str]
    updated_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("tenant_id = msp_id", name="msp_account"),)
