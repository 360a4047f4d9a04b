"""Tables of client templates, in the MSP account, and of their use, in each client's."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class ClientTemplate(TenantOwned, Base):
    """A template of an MSP. `version` is its newest."""

    __tablename__ = "client_template"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "name", name="uq_client_template_name"),)


class ClientTemplateVersion(TenantOwned, Base):
    """A version of a template. It is never changed."""

    __tablename__ = "client_template_version"

    template_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    items: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """See `content.TemplateContent`."""
    note: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class ClientTemplateUse(TenantOwned, Base):
    """The template that a client follows, with a copy of the applied version, because the client's account cannot read
    the MSP's. `own_items` are the keys of items that the client keeps as they are.
    """

    __tablename__ = "client_template_use"

    template_id: Mapped[UUID]
    template_name: Mapped[str]
    version: Mapped[int] = mapped_column(Integer)
    items: Mapped[dict[str, Any]] = mapped_column(JSONB)
    own_items: Mapped[list[str]] = mapped_column(ARRAY(String))
    applied_at: Mapped[datetime]
    applied_by: Mapped[str]
    billing_due_at: Mapped[datetime | None]
    """Time since which plan and prices wait to be set by the job; None once they are set."""
    billing_problem: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    """Reasons why the job could not set them, as messages."""

    __table_args__ = (Index("ix_client_template_use_msp_id_template_id", "msp_id", "template_id"),)
