"""Table of dashboard layouts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class DashboardLayout(TenantOwned, Base):
    """The tiles of a dashboard, in order. `owner_id` is the member whose layout it is; the account for the default of
    its members; in a client's account its MSP, for the copy of the default that the MSP gives all its clients. `area`
    is a `TileArea`; in the MSP account, the MSP's own layout of the area `client` is that default.
    """

    __tablename__ = "dashboard_layout"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    area: Mapped[str] = mapped_column(primary_key=True)
    tiles: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
