"""Table of the drift scans' cursors."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class DriftCursor(TenantOwned, Base):
    """Progress of a channel's drift scan: the last value read, in key order."""

    __tablename__ = "drift_cursor"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    element: Mapped[str]
    dimension: Mapped[str] = mapped_column(server_default="")
    record_type: Mapped[str] = mapped_column(server_default="")
