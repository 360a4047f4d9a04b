"""Tables of escalation ladders, of the steps that were reached, and of time that does not count."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class EscalationLadder(TenantOwned, Base):
    """The steps of a ladder. `owner_id`: the account that set it; in a client's account, its MSP for the copy of the
    ladder for all clients.
    """

    __tablename__ = "escalation_ladder"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class Escalation(TenantOwned, Base):
    """A step that a subject reached, recorded once and never changed. `subject_id` is the `wait_id` of the approval, or
    the id of the exception. The step is copied, so that a later change of the ladder does not change history.
    `notified`: ids of members. `role_name`: the name of a role that the MSP composed; a role of the client may have the
    same code.
    """

    __tablename__ = "escalation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    about: Mapped[str]
    subject_id: Mapped[UUID]
    after_minutes: Mapped[int] = mapped_column(Integer)
    role: Mapped[str]
    role_name: Mapped[str] = mapped_column(server_default="")
    least_severity: Mapped[int] = mapped_column(SmallInteger)
    due_at: Mapped[datetime]
    reached_at: Mapped[datetime]
    notified: Mapped[list[str]] = mapped_column(JSONB)

    __table_args__ = (
        Index(
            "uq_escalation_subject_step",
            "tenant_id",
            "subject_id",
            "after_minutes",
            "role",
            text("(role_name <> '')"),
            unique=True,
        ),
    )


class EscalationPause(TenantOwned, Base):
    """A period in which the client was suspended; it does not count as waiting."""

    __tablename__ = "escalation_pause"

    paused_from: Mapped[datetime] = mapped_column(primary_key=True)
    paused_until: Mapped[datetime]
