"""Sell packs of units to a client, and withdraw them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.job_types import DRAFT_AGAIN, LANE
from billing.packs.ledger import find_left
from billing.packs.models import UnitPack
from billing.packs.schemas import UnitPackInput
from billing.packs.states import PackEnd
from billing.periods import Period, calendar_month, month_of, parse_month
from billing.price_books.pricing import check_quantity
from billing.rating.tariffs import client_scope, lock_side
from billing.sides import Side, as_rater
from billing.subscriptions.repository import find_retail_book
from billing.subscriptions.source import read_fixed_until
from billing.time_zone import load_time_zone
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.names import clean_name
from foundation.reasons import clean_reason
from foundation.usage.meters import Meters

_LAST_YEAR: Final = 9000


async def sell_pack(session: AsyncSession, meters: Meters, new: UnitPackInput, *, now: datetime, new_id: NewId) -> UUID:
    """Sell a pack to the scope's client. The pack is charged with the invoice of its month, and usable at once.

    Raises:
        InvalidInput: names the field.
        Conflict: the client has no retail prices, whose currency a pack has.
    """
    scope, reason, name = client_scope(session), clean_reason(new.reason), clean_name(new.name)
    meter = meters.require(new.meter).name
    _check_units(new)
    month = calendar_month(now, await load_time_zone(session))
    first = await _first_month(session, new.first_month, month)
    async with as_rater(session):
        book = await find_retail_book(session, scope.tenant_id)
    if book is None:
        raise Conflict(N_("The client has no retail prices yet. Create a price book first."))
    pack_id = new_id()
    session.add(
        UnitPack(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=pack_id, name=name, meter=meter, units=new.units,
            price_minor=new.price_minor, currency=book.currency, first_month=first.start.date(),
            last_month=None if new.months is None else add_months(first.start.date(), new.months - 1),
            priority=new.priority, rollover_units=new.rollover_units, low_units=new.low_units, rolled_from=None,
            reason=reason, sold_month=min(month, first).start.date(), sold_at=now, sold_by=scope.actor.name,
        )
    )  # fmt: skip
    data = {"name": name, "meter": meter, "units": str(new.units), "price_minor": new.price_minor, "reason": reason}
    append_audit(session, action=BillingAction.PACK_SOLD, subject=f"unit_pack:{pack_id}", data=data, at=now)
    enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(pack_id))])
    return pack_id


async def withdraw_pack(session: AsyncSession, pack_id: UUID, reason: str, *, now: datetime, new_id: NewId) -> Decimal:
    """End a pack of the scope's client. Returns the number of units left. Finalised invoices keep their draws and
    charges; drafts no longer charge it.

    Raises:
        NotFound: the client has no such pack.
        Conflict: it has ended already.
        InvalidInput: the reason is missing.
    """
    note = clean_reason(reason)
    await lock_side(session, Side.RETAIL)
    found = await session.get(UnitPack, (scope_of(session).tenant_id, pack_id))
    if found is None:
        raise NotFound
    if found.ended_as is not None:
        raise Conflict(N_("This pack has ended already."))
    left = await find_left(session, pack_id, fixed_only=True)
    found.ended_as, found.ended_at, found.ended_by = PackEnd.WITHDRAWN.value, now, scope_of(session).actor.name
    found.end_reason, found.lost_units = note, left
    data = {"units": str(left), "reason": note}
    append_audit(session, action=BillingAction.PACK_ENDED, subject=f"unit_pack:{pack_id}", data=data, at=now)
    enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(new_id()))])
    return left


def add_months(month: date, count: int) -> date:
    """The first day of the month so many months later."""
    years, place = divmod(month.month - 1 + count, 12)
    return date(month.year + years, place + 1, 1)


def _check_units(new: UnitPackInput) -> None:
    """Raises InvalidInput."""
    for field in ("units", "rollover_units", "low_units"):
        check_quantity(getattr(new, field), field)
    if not new.units:
        raise InvalidInput(N_("Enter how many units the pack has."), field="units")
    if new.rollover_units > new.units:
        raise InvalidInput(N_("No more units can be kept than the pack has."), field="rollover_units")
    if new.rollover_units and new.months is None:
        raise InvalidInput(N_("Units that do not expire are not rolled over."), field="rollover_units")


async def _first_month(session: AsyncSession, typed: str, month: Period) -> Period:
    """Raises InvalidInput."""
    try:
        first = parse_month(typed.strip()) if typed.strip() else month
    except InvalidInput as wrong:
        raise InvalidInput(wrong.reason, field="first_month") from None
    if first.start < await read_fixed_until(session):
        raise InvalidInput(N_("The invoice of this month is finalised. Choose a later month."), field="first_month")
    if first.start.year > min(_LAST_YEAR, month.start.year + 10):
        raise InvalidInput(N_("The first month is too far away."), field="first_month")
    return month_of(first.start)
