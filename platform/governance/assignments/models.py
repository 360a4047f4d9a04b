"""Tables of assignments and of comments."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class ItemAssignment(TenantOwned, Base):
    """The member who works on an item; without a row, nobody. `subject_id` is the exception's id, or that of the change
    that needs approval. The name is stored, because staff of the MSP are not members of the client's account.
    """

    __tablename__ = "item_assignment"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    about: Mapped[str]
    member_id: Mapped[UUID]
    name: Mapped[str]
    assigned_at: Mapped[datetime]
    assigned_by: Mapped[str]

    __table_args__ = (Index("ix_item_assignment_member", "msp_id", "member_id"),)


class ItemComment(TenantOwned, Base):
    """A comment on an item; never changed."""

    __tablename__ = "item_comment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID]
    about: Mapped[str]
    author_id: Mapped[str]
    author: Mapped[str]
    body: Mapped[str]
    written_at: Mapped[datetime]

    __table_args__ = (Index("ix_item_comment_subject", "tenant_id", "subject_id", "written_at"),)
