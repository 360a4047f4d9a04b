"""Table of requests for access, in the account of the client that answers them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from tenants.delegated_access.states import AccessState


class AccessGrant(TenantOwned, Base):
    """A request of a member of the MSP's staff, and its answer. `ends_at` is set when it is granted."""

    __tablename__ = "access_grant"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    member_name: Mapped[str]
    role: Mapped[str]
    reason: Mapped[str]
    hours: Mapped[int]
    state: Mapped[str]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_name: Mapped[str | None]
    ends_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]  # the first use
    ended_at: Mapped[datetime | None]  # before its time
    ended_by_name: Mapped[str | None]

    __table_args__ = (
        Index(
            "ix_access_grant_open",
            "tenant_id",
            "member_id",
            postgresql_where=text(f"state IN ('{AccessState.REQUESTED}', '{AccessState.GRANTED}')"),
        ),
    )
