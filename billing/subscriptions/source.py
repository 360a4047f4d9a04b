"""Fees of subscriptions for the draft of a month (`FeeSource`), and months whose drafts lack them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.fees import ChargedLine, Fee, FeeContext
from billing.line_kinds import LineKind
from billing.periods import EPOCH, Period, calendar_month, month_of
from billing.pricing.rules import BillingRules
from billing.pricing.true_ups import minimum_true_up
from billing.sides import Side, as_rater
from billing.states import BILLED, FIXED, OPEN, InvoiceState
from billing.subscriptions.charges import TrueUp, fees_of, true_up_key, true_ups_of
from billing.subscriptions.placement import Charged, PlacedFee, month_for, place_fees
from billing.subscriptions.repository import find_retail_book, load_subscriptions
from billing.subscriptions.timeline import Subscribed
from canonical.money import stored_exponent
from foundation.database.engine import scope_of
from foundation.state_machine import in_sql

_INSTANT: Final = timedelta(microseconds=1)
_LATEST_ZONE: Final = timedelta(days=1)
"""Time after the end of a month in UTC by which the month has ended in all time zones."""
_COMMITTED: Final = frozenset(LineKind) - {
    LineKind.COMMITMENT, LineKind.SLA_CREDIT, LineKind.DISCOUNT, LineKind.DISCOUNT_BACK, LineKind.TOP_UP,
}  # fmt: skip
"""Lines that count for a commitment. Not top-ups: what their credit pays for counts."""
_TRUE_UPS: Final = (LineKind.MINIMUM, LineKind.COMMITMENT)


class _Book(msgspec.Struct, frozen=True):
    """Input of a client's fees. `fixed_until`: end of the last month whose invoice is fixed."""

    subscriptions: Sequence[Subscribed]
    rules: BillingRules
    currency: str
    fixed_until: datetime
    charged: Mapping[str, Charged]
    trued_up: AbstractSet[str]
    """Keys of the minimums and commitments on fixed invoices. Derived from the charged time, because stored keys of
    subscriptions in time zones behind UTC may have the following month.
    """


async def subscription_fees(session: AsyncSession, context: FeeContext, lines: Sequence[ChargedLine]) -> Sequence[Fee]:
    """Fees due in the month, differences from fixed months, and shortfalls to minimums and commitments."""
    if context.side is not Side.RETAIL:
        return ()
    book = await _load(session, context.client_id, context.currency)
    if book is None or context.period.start < book.fixed_until:
        return ()
    fees = [fee for one in book.subscriptions for fee in fees_of(one, context.period.end + _LATEST_ZONE, book.rules)]
    placed = place_fees(fees, book.charged, book.fixed_until).get(context.period.start, ())
    written = [_fee(one, context.currency) for one in placed]
    charged: list[_Amount] = [(line.service_from, line.kind, line.amount_minor) for line in lines]
    charged += [(one.fee.month if one.fee else None, one.kind, one.amount_minor) for one in placed]
    return [*written, *await _true_ups(session, context, book, charged)]


async def months_to_draft(session: AsyncSession, now: datetime) -> Sequence[Period]:
    """Months until now whose draft lacks a fee or has one too many."""
    client_id = scope_of(session).tenant_id
    async with as_rater(session):
        book = await _load(session, client_id, None)
    if book is None:
        return ()
    until = month_of(now).end
    fees = [fee for one in book.subscriptions for fee in fees_of(one, until + _LATEST_ZONE, book.rules)]
    placed = place_fees(fees, book.charged, book.fixed_until)
    wanted = {(month, one.key): one.amount_minor for month, each in placed.items() for one in each}
    rows = await session.execute(_DRAFTED, {"tenant": client_id, "currency": book.currency})
    drafts: dict[datetime, dict[str, int]] = {}
    for row in rows:
        drafts.setdefault(row.period_start, {}).update({row.key: row.amount_minor} if row.key else {})
    has = {(month, key): amount for month, each in drafts.items() for key, amount in each.items()}
    months = {month for (month, _), _ in {*wanted.items()} ^ {*has.items()}}
    months |= {
        month for one in book.subscriptions for true_up in true_ups_of(one, until + _LATEST_ZONE, book.rules)
        if true_up.key not in book.trued_up and (month := month_for(true_up.month, book.fixed_until)) not in drafts
    }  # fmt: skip
    return [month_of(month) for month in sorted(months) if book.fixed_until <= month < until]


async def _load(session: AsyncSession, client_id: UUID, currency: str | None) -> _Book | None:
    """Load the input; None without subscriptions in the currency, by default that of the client's retail prices."""
    found = await load_subscriptions(session)
    if not found:
        return None
    retail = await find_retail_book(session, client_id)
    if retail is None:
        return None
    wanted = currency or retail.currency
    keys = {"tenant": client_id, "currency": wanted}
    fixed = await read_fixed_until(session)
    rows = (await session.execute(_CHARGED, keys)).all()
    charged = [_charged(row) for row in rows if not row.is_true_up]
    zones = {str(one.subscribed.id): one.subscribed.zone for one in found}
    return _Book(
        [one.subscribed for one in found if one.subscribed.plan.currency == wanted], retail.rules, wanted,
        fixed, {one.key: one for one in charged},
        {_trued_up(row, zones[row.subscription_id]) for row in rows if row.is_true_up},
    )  # fmt: skip


async def read_fixed_until(session: AsyncSession) -> datetime:
    """End of the last month whose invoice to the scope's client is fixed; EPOCH without one."""
    return await session.scalar(_FIXED_UNTIL, {"tenant": scope_of(session).tenant_id}) or EPOCH


def _charged(row: Any) -> Charged:
    return Charged(
        key=row.key, subscription_id=row.subscription_id, plan=row.product, name=row.description,
        service_from=row.first_at, service_until=row.last_at + _INSTANT, amount_minor=int(row.amount_minor),
    )  # fmt: skip


def _trued_up(row: Any, zone: str) -> str:
    month = calendar_month(row.last_at, zone)
    return true_up_key(UUID(row.subscription_id), LineKind(row.kind), month.start)


def _fee(placed: PlacedFee, currency: str) -> Fee:
    due, minor = placed.fee, placed.amount_minor
    price = Decimal(abs(minor)).scaleb(-stored_exponent(currency))
    return Fee(
        key=placed.key, kind=placed.kind, name=placed.name, product=placed.plan, service_from=placed.service_from,
        service_until=placed.service_until, amount_minor=minor,
        quantity=due.quantity if due else Decimal(-1 if minor < 0 else 1),
        unit_price=due.unit_price if due else price,
        cause={"subscription_id": placed.subscription_id, "plan": placed.plan, "fee": placed.key},
    )  # fmt: skip


_Amount = tuple[datetime | None, LineKind, int]
"""Month of a charge, if known, its kind, and its amount in minor units."""


async def _true_ups(session: AsyncSession, context: FeeContext, book: _Book, lines: Sequence[_Amount]) -> Sequence[Fee]:
    """Shortfalls of the draft's month. A line counts for its invoice's month, or for an earlier month if it repeats the
    charge of that month's voided invoice.
    """
    month = context.period.start
    due = [
        true_up for one in book.subscriptions
        for true_up in true_ups_of(one, context.period.end + _LATEST_ZONE, book.rules)
        if true_up.key not in book.trued_up and month_for(true_up.month, book.fixed_until) == month
    ]  # fmt: skip
    if not due:
        return ()
    earlier = (
        await session.execute(
            _LINES_BEFORE, {"tenant": context.client_id, "start": month, "currency": context.currency}
        )
    ).all()
    voided = set(await session.scalars(_VOIDED, {"tenant": context.client_id}))
    sums = [(row.period_start, LineKind(row.kind), int(row.amount_minor)) for row in earlier]
    sums += [(of if of in voided else month, kind, minor) for of, kind, minor in lines]
    fees: list[Fee] = []
    for true_up in sorted(due, key=lambda one: (_TRUE_UPS.index(one.kind), one.key)):
        counted = {LineKind.USAGE} if true_up.kind is LineKind.MINIMUM else _COMMITTED
        last = true_up.month
        charged = sum(minor for at, kind, minor in sums if kind in counted and true_up.since <= at <= last)
        missing = int(minimum_true_up(true_up.limit_minor, charged, exponent=0, mode=book.rules.rounding))
        if missing:
            fees.append(_missing(true_up, missing))
            sums.append((last, true_up.kind, missing))
    return fees


def _missing(true_up: TrueUp, minor: int) -> Fee:
    code = true_up.plan.code
    return Fee(
        key=true_up.key, kind=true_up.kind, name=true_up.plan.name, product=code,
        service_from=true_up.service_from, service_until=true_up.service_until, amount_minor=minor,
        unit_price=Decimal(minor).scaleb(-stored_exponent(true_up.plan.currency)),
        cause={"subscription_id": str(true_up.subscription_id), "plan": code, "fee": true_up.key},
    )  # fmt: skip


_FIXED_UNTIL: Final = text(f"""
    SELECT max(period_end) FROM invoice WHERE tenant_id = :tenant AND side = 'retail' AND state IN ({in_sql(FIXED)})
""")
_CHARGED: Final = text(f"""
    SELECT l.cause->>'fee' AS key, max(l.cause->>'subscription_id') AS subscription_id, max(l.product) AS product,
           max(l.description) AS description, min(l.first_at) AS first_at, max(l.last_at) AS last_at,
           sum(l.amount_minor) AS amount_minor, max(l.kind) AS kind,
           bool_or(l.kind IN ({in_sql(_TRUE_UPS)})) AS is_true_up
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state IN ({in_sql(BILLED)}) AND i.currency = :currency
       AND l.cause->>'subscription_id' IS NOT NULL
     GROUP BY 1
""")
_VOIDED: Final = text(f"""
    SELECT period_start FROM invoice WHERE tenant_id = :tenant AND side = 'retail' AND state = '{InvoiceState.VOID}'
""")
_DRAFTED: Final = text(f"""
    SELECT i.period_start, l.cause->>'fee' AS key, l.amount_minor
      FROM invoice i LEFT JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
       AND l.cause->>'subscription_id' IS NOT NULL AND l.kind NOT IN ({in_sql(_TRUE_UPS)})
     WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.state IN ({in_sql(OPEN)}) AND i.currency = :currency
""")
_LINES_BEFORE: Final = text(f"""
    SELECT i.period_start, l.kind, sum(l.amount_minor) AS amount_minor
      FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
     WHERE i.tenant_id = :tenant AND i.side = 'retail' AND i.period_start < :start AND i.currency = :currency
       AND i.state IN ({in_sql((*OPEN, *BILLED))})
     GROUP BY i.period_start, l.kind
""")
