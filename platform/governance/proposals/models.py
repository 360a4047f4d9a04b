"""Table of scheduled proposals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.proposals.states import IS_SCHEDULED


class ScheduledProposal(TenantOwned, Base):
    """A value that is proposed at `effective_at`, in the name of its author. `change_id`: the resulting change;
    `failure`: the reason, as a message, why there is none.
    """

    __tablename__ = "scheduled_proposal"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    element: Mapped[str]
    dimension: Mapped[str]
    record_type: Mapped[str]
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    note: Mapped[str]
    effective_at: Mapped[datetime]
    state: Mapped[str]
    author: Mapped[str]
    author_name: Mapped[str]
    on_behalf_of: Mapped[str]  # also counted as the author by four-eyes rules
    author_roles: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}")
    scheduled_at: Mapped[datetime]
    change_id: Mapped[UUID | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_scheduled_proposal_key",
            "tenant_id", "record_key", "element", "dimension", "record_type", "effective_at",
            unique=True, postgresql_where=text(IS_SCHEDULED),
        ),
        Index("ix_scheduled_proposal_due", "tenant_id", "effective_at", "id"),
    )  # fmt: skip
