"""Tables of packs of units."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Integer, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from billing.packs.states import PackEnd
from foundation.database.base import Base, TenantOwned
from foundation.state_machine import in_sql


class UnitPack(TenantOwned, Base):
    """Units of a meter that a client bought in advance, for usage of the months from `first_month` to `last_month`.

    Of the units left after its last month, up to `rollover_units` go to a new pack, which refers to it in
    `rolled_from`. `low_units`: a notification is sent once when no more than these are left (`noticed_at`). The invoice
    of `sold_month` charges `price_minor`. `lost_units` expired or were withdrawn.
    """

    __tablename__ = "unit_pack"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    meter: Mapped[str]
    units: Mapped[Decimal] = mapped_column(Numeric)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    first_month: Mapped[date]
    last_month: Mapped[date | None]
    priority: Mapped[int] = mapped_column(Integer)
    rollover_units: Mapped[Decimal] = mapped_column(Numeric)
    low_units: Mapped[Decimal] = mapped_column(Numeric)
    rolled_from: Mapped[UUID | None]
    reason: Mapped[str]
    sold_month: Mapped[date]
    sold_at: Mapped[datetime]
    sold_by: Mapped[str]
    noticed_at: Mapped[datetime | None]
    ended_as: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]
    lost_units: Mapped[Decimal] = mapped_column(Numeric, server_default="0")
    rolled_units: Mapped[Decimal] = mapped_column(Numeric, server_default="0")

    __table_args__ = (
        CheckConstraint(
            "units > 0 AND price_minor >= 0 AND low_units >= 0 AND rollover_units >= 0 AND rollover_units <= units",
            name="units",
        ),
        CheckConstraint("last_month >= first_month", name="months"),
        CheckConstraint(
            f"ended_as IN ({in_sql(PackEnd)}) AND ended_at IS NOT NULL OR ended_as IS NULL AND ended_at IS NULL",
            name="end",
        ),
    )


class UnitDraw(TenantOwned, Base):
    """Units that a line of an invoice drew from a pack; negative for reversed usage. A draft's rows are rewritten with
    it; those of a voided invoice no longer count.
    """

    __tablename__ = "unit_draw"

    line_id: Mapped[UUID] = mapped_column(primary_key=True)
    pack_id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    quantity: Mapped[Decimal] = mapped_column(Numeric)

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "pack_id"], ["unit_pack.tenant_id", "unit_pack.id"]),
        CheckConstraint("quantity <> 0", name="quantity"),
        Index("ix_unit_draw_pack", "tenant_id", "pack_id"),
        Index("ix_unit_draw_invoice", "tenant_id", "invoice_id"),
    )
