"""The MSP's costs of a unit of a meter, by month: profit uses them where no vendor's bill is mapped."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.models import UnitCost
from billing.periods import month_of, parse_month
from billing.price_books.pricing import check_price
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.usage.meters import Meters
from foundation.web.requests import RequestBody


class UnitCostInput(RequestBody, frozen=True, kw_only=True):
    """The cost of a unit of `meter` in the book's currency, from `month` on, such as 2026-03; this month if not given.
    If set again for the same month, the last one applies.
    """

    meter: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    unit_cost: Decimal
    month: Annotated[str, msgspec.Meta(max_length=7)] = ""


class UnitCostView(msgspec.Struct, frozen=True, kw_only=True):
    meter: str
    month: str
    unit_cost: Decimal
    set_at: datetime
    set_by: str


class UnitCostSet(msgspec.Struct, frozen=True):
    id: UUID


async def set_unit_cost(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, meters: Meters, book_id: UUID, wanted: UnitCostInput, *, now: datetime, new_id: NewId
) -> UUID:
    """Set the cost of a unit, in the MSP account, for usage of that month and later ones, until a month with another
    cost.

    Raises:
        NotFound: the MSP has no such retail book.
        InvalidInput, PriceNotAllowed: names the field.
    """
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("Prices belong to the MSP's own account. Open that account and try again."))
    meter = meters.require(wanted.meter).name
    check_price(wanted.unit_cost, "unit_cost")
    period = month_of(now) if not wanted.month else parse_month(wanted.month)
    keys = {"tenant_id": scope.tenant_id, "id": book_id}
    if await session.scalar(_RETAIL, keys) is None:
        raise NotFound
    cost = UnitCost(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=new_id(), book_id=book_id, meter=meter,
        month=f"{period.start:%Y-%m}", unit_cost=wanted.unit_cost, set_at=now, set_by=scope.actor.name,
    )  # fmt: skip
    session.add(cost)
    data = {"book_id": book_id, "meter": meter, "month": cost.month, "unit_cost": wanted.unit_cost}
    append_audit(session, action=BillingAction.UNIT_COST_SET, subject=f"price_book:{book_id}", data=data, at=now)
    return cost.id


async def list_unit_costs(session: AsyncSession, book_id: UUID) -> Sequence[UnitCostView]:
    """List one cost for each meter and month, the latest month first. In a fleet scope. Raises Forbidden."""
    scope = scope_of(session)
    if not scope.fleet:
        raise Forbidden(N_("Price books are visible to the MSP's own members only."))
    rows = await session.execute(_COSTS, {"msp": scope.msp_id, "book_id": book_id})
    return [UnitCostView(**row) for row in rows.mappings()]


_RETAIL: Final = text("SELECT 1 FROM price_book WHERE tenant_id = :tenant_id AND id = :id AND side = 'retail'")
_COSTS: Final = text("""
    SELECT DISTINCT ON (meter, month) meter, month, unit_cost, set_at, set_by FROM unit_cost
     WHERE tenant_id = :msp AND book_id = :book_id ORDER BY meter, month DESC, set_at DESC, id DESC
""")
