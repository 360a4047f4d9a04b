"""Daily review of a client's packs: ends expired packs, rolls units over, and notifies of packs nearly used up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.job_types import DRAFT_AGAIN, LANE
from billing.line_kinds import LineKind
from billing.packs.cover import PACK
from billing.packs.ledger import find_left
from billing.packs.models import UnitPack
from billing.packs.sell import add_months
from billing.packs.states import PackEnd
from billing.periods import calendar_month, month_of
from billing.permissions import BillingPermission
from billing.rating.tariffs import client_scope, find_draft_currency, lock_side
from billing.sides import Side, as_rater
from billing.states import OPEN, InvoiceState
from billing.time_zone import load_time_zone
from foundation.audit.chain import append_audit
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.scope import Scope
from foundation.state_machine import in_sql
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from tenants.notifications.notify import notify

_LATE: Final = timedelta(days=3)
"""Time after its last month in which a pack stays open for late usage."""
_PAGE: Final = "/unit-packs"
PACK_LOW: Final = NotificationKind(
    code="unit_pack.low",
    label=N_("Prepaid units are nearly used up"),
    text=N_("{pack}: prepaid units are nearly used up"),
    many=N_("{number} packs of prepaid units are nearly used up"),
    severity=NoticeSeverity.WARNING,
    permission=BillingPermission.READ_INVOICES,
    path=_PAGE,
)


async def review_packs(session: AsyncSession, now: datetime, *, new_id: NewId) -> None:
    """End packs whose last month is over, once no draft may draw from them any more, and notify once of each pack that
    is low. Packs that no invoice charges, such as after a void, are put on a draft before they end. In the client's
    scope, every day.
    """
    scope = client_scope(session)
    month = calendar_month(now - _LATE, await load_time_zone(session)).start
    keys = {"tenant": scope.tenant_id, "month": month.date(), "now": now}
    over: Sequence[Row[Any]] = ()
    if (await session.execute(_OVER, keys)).first() is not None:
        await lock_side(session, Side.RETAIL)
        over = (await session.execute(_OVER, keys)).all()  # without those that ended while this waited
        for row in over:
            await _end(session, scope, row, now=now, new_id=new_id)
    if over or await _is_chargeable(session, scope, now):
        enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(new_id()))])
    for row in (await session.execute(_WATCHED, keys)).all():
        if await find_left(session, row.id) <= row.low_units:
            await session.execute(_NOTICED, {**keys, "id": row.id})
            notify(session, PACK_LOW, topic=str(row.id), path=_PAGE, at=now, params={"pack": row.name})


async def _is_chargeable(session: AsyncSession, scope: Scope, now: datetime) -> bool:
    """Whether a pack lacks its charge although there is, or will be, a draft in its currency."""
    month = month_of(now)
    async with as_rater(session):
        currency = await find_draft_currency(session, scope, Side.RETAIL, month)
    keys = {"tenant": scope.tenant_id, "month": month.start.date(), "currency": currency}
    return await session.scalar(_UNCHARGED, keys) is not None


async def _end(session: AsyncSession, scope: Scope, row: Row[Any], *, now: datetime, new_id: NewId) -> None:
    left = await find_left(session, row.id)
    rolled = min(left, row.rollover_units)
    end = {"tenant": scope.tenant_id, "id": row.id, "now": now, "by": scope.actor.name, "rolled": rolled}
    await session.execute(_END, {**end, "lost": left - rolled, "ended": PackEnd.EXPIRED.value})
    if rolled:
        session.add(_rolled(scope, row, rolled, now, new_id()))
    data = {"units": str(left - rolled), "rolled_over": str(rolled)}
    append_audit(session, action=BillingAction.PACK_ENDED, subject=f"unit_pack:{row.id}", data=data, at=now)


def _rolled(scope: Scope, row: Row[Any], units: Decimal, now: datetime, pack_id: UUID) -> UnitPack:
    """A pack for as many months, free of charge, whose units are not rolled over again."""
    months = (row.last_month.year - row.first_month.year) * 12 + row.last_month.month - row.first_month.month + 1
    return UnitPack(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=pack_id, name=row.name, meter=row.meter, units=units,
        price_minor=0, currency=row.currency, first_month=add_months(row.last_month, 1),
        last_month=add_months(row.last_month, months), priority=row.priority, rollover_units=Decimal(0),
        low_units=row.low_units, rolled_from=row.id, reason=row.reason,
        sold_month=now.astimezone(UTC).date().replace(day=1), sold_at=now, sold_by=scope.actor.name,
    )  # fmt: skip


_CHARGED: Final = f"""EXISTS (
         SELECT 1 FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
          WHERE l.tenant_id = :tenant AND l.kind = '{LineKind.UNIT_PACK}' AND l.cause ->> '{PACK}' = p.id::text
            AND i.state <> '{InvoiceState.VOID}')"""
_OVER: Final = text(f"""
    SELECT p.* FROM unit_pack p
     WHERE p.tenant_id = :tenant AND p.ended_as IS NULL AND p.last_month < :month
       AND (p.price_minor = 0 OR {_CHARGED})
       AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.tenant_id = :tenant AND i.side = 'retail'
                          AND i.state IN ({in_sql(OPEN)})
                          AND (i.period_start AT TIME ZONE 'UTC')::date <= p.last_month)
     ORDER BY p.id
""")
_UNCHARGED: Final = text(f"""
    SELECT 1 FROM unit_pack p
     WHERE p.tenant_id = :tenant AND p.price_minor > 0 AND p.sold_month <= :month
       AND p.ended_as IS DISTINCT FROM '{PackEnd.WITHDRAWN}'
       AND (p.currency = :currency OR EXISTS (
         SELECT 1 FROM invoice i WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state IN ({in_sql(OPEN)})
            AND i.currency = p.currency AND (i.period_start AT TIME ZONE 'UTC')::date >= p.sold_month))
       AND NOT {_CHARGED} LIMIT 1
""")
_END: Final = text("""
    UPDATE unit_pack SET ended_as = :ended, ended_at = :now, ended_by = :by, lost_units = :lost, rolled_units = :rolled
     WHERE tenant_id = :tenant AND id = :id
""")
_WATCHED: Final = text("""
    SELECT id, name, low_units FROM unit_pack
     WHERE tenant_id = :tenant AND ended_as IS NULL AND noticed_at IS NULL AND low_units > 0
     ORDER BY id
""")
_NOTICED: Final = text("UPDATE unit_pack SET noticed_at = :now WHERE tenant_id = :tenant AND id = :id")
