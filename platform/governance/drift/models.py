"""The cursor of each channel's drift scan."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class DriftCursor(TenantOwned, Base):
    """How far the re-reading of what a channel shows has come: the last value read, in the order of their keys."""

    __tablename__ = "drift_cursor"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    element: Mapped[str]
