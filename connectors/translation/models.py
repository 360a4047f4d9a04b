"""Table of messages that no room reads."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class UnclaimedMessage(TenantOwned, Base):
    """Messages of one type in one source event, which no room read when the event was translated. The row has no
    content: once a room reads the type, a replay translates the event again and deletes the row.

    Partitioned as `source_event`, with which it is removed.
    """

    __tablename__ = "unclaimed_message"
    __table_args__ = (
        Index("ix_unclaimed_message_of_connection", "tenant_id", "connection_id", "message_type", "event_id"),
    )

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    message_type: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    reference: Mapped[str]  # of the first message
    message_count: Mapped[int]
    received_at: Mapped[datetime]
