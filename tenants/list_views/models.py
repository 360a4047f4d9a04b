"""Tables of saved views, and of each member's default views."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class SavedListView(TenantOwned, Base):
    """`filters` are values by the name of the filter, `sort` an order or empty, `columns` those shown, all if empty.
    They are checked when the view is opened. `member_id` saved it; `is_shared`: every member of the account opens it.
    """

    __tablename__ = "list_view"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    list_name: Mapped[str] = mapped_column("list")
    name: Mapped[str]
    is_shared: Mapped[bool]
    filters: Mapped[dict[str, str]] = mapped_column(JSONB)
    sort: Mapped[str]
    columns: Mapped[list[str]] = mapped_column(ARRAY(String))
    saved_at: Mapped[datetime]
    saved_by: Mapped[str]

    __table_args__ = (
        Index("uq_list_view_name", "tenant_id", "list", "member_id", "name", unique=True),
    )  # fmt: skip


class DefaultListView(TenantOwned, Base):
    """The view that a list opens with for a member."""

    __tablename__ = "list_view_default"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    list_name: Mapped[str] = mapped_column("list", primary_key=True)
    view_id: Mapped[UUID]

    __table_args__ = (Index("ix_list_view_default_view", "tenant_id", "view_id"),)
