"""Coupons of a client: give, end, and list their use by invoices."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.coupons.coupons import lock_coupon, read_code
from billing.coupons.models import ClientCoupon
from billing.coupons.schemas import ClientCouponView, CouponUse, CouponView, EndCouponInput, GiveCouponInput
from billing.coupons.terms import TERM_NAMES
from billing.job_types import DRAFT_AGAIN, LANE
from billing.periods import Period, calendar_month, parse_month
from billing.states import OPEN
from billing.time_zone import load_time_zone
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.reasons import clean_reason
from foundation.state_machine import in_sql

CAUSE: Final = "coupon"
"""Name of the client's coupon in the cause of its lines."""


async def give_coupon(
    session: AsyncSession, coupon: CouponView, given: GiveCouponInput, *, now: datetime, new_id: NewId
) -> UUID:
    """Give a coupon of `find_coupon` to a client, in its scope. Its drafts are updated within moments.

    Raises:
        InvalidInput: names the field.
        Conflict: the client has it.
    """
    scope = scope_of(session)
    reason, zone = clean_reason(given.reason), await load_time_zone(session)
    first = _first_month(given.from_month, now, zone)
    if first.end.date() <= coupon.valid_from or (coupon.valid_until and coupon.valid_until < first.start.date()):
        raise InvalidInput(N_("The coupon is not valid in this month."), field="from_month")
    if await _find(session, coupon.code) is not None:
        raise Conflict(N_("The client has this coupon already."))
    given_id = new_id()
    terms = {name: getattr(coupon, name) for name in TERM_NAMES} | {"only": list(coupon.only)}
    session.add(
        ClientCoupon(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, id=given_id, coupon_id=coupon.id, code=coupon.code,
            name=coupon.name, **terms, from_month=first.start.date(), reason=reason, given_at=now,
            given_by=scope.actor.name,
        )
    )  # fmt: skip
    data = {"name": coupon.name, "from_month": f"{first.start:%Y-%m}", "reason": reason}
    append_audit(session, action=BillingAction.COUPON_GIVEN, subject=f"coupon:{coupon.code}", data=data, at=now)
    enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(given_id))])
    return given_id


async def end_coupon(session: AsyncSession, ended: EndCouponInput, *, now: datetime, new_id: NewId) -> None:
    """End a client's coupon, in the client's scope. Finalised invoices keep their discounts.

    Raises:
        NotFound: the client has no such coupon.
        InvalidInput: the reason is missing.
    """
    reason, code = clean_reason(ended.reason), read_code(ended.code)
    await lock_coupon(session, code)
    found = await _find(session, code)
    if found is None:
        raise NotFound(N_("The client has no coupon with this code."))
    found.ended_at, found.ended_by, found.end_reason = now, scope_of(session).actor.name, reason
    append_audit(session, action=BillingAction.COUPON_ENDED, subject=f"coupon:{code}", data={"reason": reason}, at=now)
    enqueue(session, [NewJob(LANE, DRAFT_AGAIN, key=str(new_id()))])


async def load_client_coupons(session: AsyncSession) -> Sequence[ClientCouponView]:
    """The client's coupons with their use, in its scope: those in use first, then the newest."""
    keys = {"tenant": scope_of(session).tenant_id}
    rows = (await session.execute(_OF_CLIENT, keys)).all()
    uses = await read_uses(session) if rows else {}
    return [_view(row, uses.get(row.id, ())) for row in rows]


async def read_uses(session: AsyncSession, before: date | None = None) -> Mapping[UUID, Sequence[CouponUse]]:
    """Use of each of the client's coupons by invoices that are not void, by month; with `before`, of earlier months
    only.
    """
    rows = await session.execute(
        _USES, {"tenant": scope_of(session).tenant_id, "before": before or date.max, "cause": CAUSE}
    )
    found: dict[UUID, list[CouponUse]] = {}
    for row in rows:
        use = CouponUse(row.invoice_id, row.month, row.number, row.is_draft, row.currency, row.used)
        found.setdefault(UUID(row.coupon), []).append(use)
    return found


def _first_month(typed: str, now: datetime, zone: str) -> Period:
    """The typed month, else the current one by the client's calendar. Raises InvalidInput."""
    if not typed.strip():
        return calendar_month(now, zone)
    try:
        return parse_month(typed.strip())
    except InvalidInput as wrong:
        raise InvalidInput(wrong.reason, field="from_month") from None


async def _find(session: AsyncSession, code: str) -> ClientCoupon | None:
    found = await session.scalars(_ACTIVE, {"tenant": scope_of(session).tenant_id, "code": code})
    given_id = found.one_or_none()
    return None if given_id is None else await session.get(ClientCoupon, (scope_of(session).tenant_id, given_id))


def _view(row: Row[Any], uses: Sequence[CouponUse]) -> ClientCouponView:
    known = {name: getattr(row, name) for name in ClientCouponView.__struct_fields__ if name != "uses"}
    return msgspec.structs.replace(msgspec.convert(known, ClientCouponView), uses=uses)


_ACTIVE = text("SELECT id FROM client_coupon WHERE tenant_id = :tenant AND code = :code AND ended_at IS NULL")
_OF_CLIENT = text("""
    SELECT * FROM client_coupon WHERE tenant_id = :tenant ORDER BY ended_at IS NOT NULL, given_at DESC, id
""")
_USES = text(f"""
    SELECT l.cause ->> :cause AS coupon, l.invoice_id, (i.period_start AT TIME ZONE 'UTC')::date AS month, x.number,
           i.state IN ({in_sql(OPEN)}) AS is_draft, i.currency, (-sum(l.amount_minor))::bigint AS used
      FROM invoice_line l
      JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
      LEFT JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id
     WHERE l.tenant_id = :tenant AND l.kind = 'discount' AND l.side = 'retail' AND l.cause ? :cause
       AND i.state <> 'void' AND i.period_start < :before
     GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 3
""")
