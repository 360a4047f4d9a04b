"""Items of subscriptions in a month: seats, add-ons and fees by the timelines, and as invoices have them.

Each counts for the part of the month that it is for: ten seats until the 16th of a month of thirty days, and twelve
from then on, are eleven. So the quantities agree with those of a vendor that prorates changes. A fee due in another
month, such as a year in advance, counts with its part for this month; a fee due later, once it is on an invoice. Trials
and uncharged time have no items.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.line_kinds import LineKind
from billing.periods import Period, local_month
from billing.plans.items import item_code
from billing.states import OPEN, InvoiceState
from billing.subscriptions.charges import DueFee, component_of, fees_of
from billing.subscriptions.repository import load_retail_rules, load_subscriptions
from billing.three_way.compare import BilledSide, Key
from billing.three_way.schemas import BilledRow
from canonical.money import decimal_amount
from foundation.database.engine import scope_of
from foundation.state_machine import in_sql

_KINDS: Final = (LineKind.SUBSCRIPTION, LineKind.PRORATION_CHARGE, LineKind.PRORATION_CREDIT)
_INSTANT: Final = timedelta(microseconds=1)
_ZONES: Final = timedelta(days=1)
"""A local month begins up to a day before or after the month in UTC."""
_LONGEST: Final = timedelta(days=367)
"""Fees in arrears are due up to a year after a month that they are for."""
_PLACES: Final = 6
_DIGITS: Final = 60


class _Charged(NamedTuple):
    """Charges of invoices for one fee, in minor units."""

    amount: int
    currency: str
    on_draft: bool


async def load_items(session: AsyncSession, period: Period) -> tuple[dict[Key, Decimal], dict[Key, BilledSide]]:
    """Quantities in use, and billed sides, by client and item. In a fleet scope."""
    charged = await _load_charged(session, period)
    rules = await load_retail_rules(session)
    used: dict[Key, Fraction] = {}
    billed: dict[Key, tuple[Fraction, Fraction, str, bool]] = {}
    for one in await load_subscriptions(session):
        month = local_month(period, one.subscribed.zone)
        for fee in fees_of(one.subscribed, month.end + _LONGEST, rules(one.client_id)):
            found = charged.get((one.client_id, fee.key))
            share = _overlap(fee, month) / _length(month.start, month.end)
            if fee.kind not in _KINDS or not share or (fee.due >= month.end and found is None):
                continue
            key, units = (one.client_id, item_code(fee.plan, component_of(fee.key))), _units(fee) * share
            used[key] = used.get(key, Fraction(0)) + units
            if found is None:
                continue
            quantity, amount, _, on_draft = billed.get(key, (Fraction(0), Fraction(0), "", False))
            part = _overlap(fee, month) / _length(fee.service_from, fee.service_until)
            billed[key] = (
                quantity + units * (Fraction(found.amount, fee.amount_minor) if fee.amount_minor else 1),
                amount + found.amount * part, found.currency, on_draft or found.on_draft,
            )  # fmt: skip
    return {key: _decimal(units) for key, units in used.items()}, {
        key: BilledSide(_decimal(quantity), decimal_amount(round(amount), currency), currency, on_draft)
        for key, (quantity, amount, currency, on_draft) in billed.items()
    }


async def list_item_rows(
    session: AsyncSession, period: Period, client_id: UUID, item: str, most: int
) -> Sequence[BilledRow]:
    """The lines of the client's invoices that are for the item in the month."""
    months = {
        str(one.subscribed.id): local_month(period, one.subscribed.zone)
        for one in await load_subscriptions(session, clients=[client_id])
    }
    rows = await session.execute(_LINES, {**_binds(session, period), "client": client_id})
    found = [
        row for row in rows
        if item_code(row.product, component_of(row.fee)) == item
        and (month := months.get(row.subscription_id)) and row.last_at >= month.start and row.first_at < month.end
    ]  # fmt: skip
    return [
        BilledRow(
            invoice_id=row.invoice_id, line_id=row.id, number=row.number, state=row.state, description=row.description,
            quantity=row.quantity, amount=decimal_amount(row.amount_minor, row.currency), currency=row.currency,
        )
        for row in found[:most]
    ]  # fmt: skip


def _units(fee: DueFee) -> int:
    return -fee.units if fee.kind is LineKind.PRORATION_CREDIT else fee.units


def _overlap(fee: DueFee, month: Period) -> Fraction:
    start, end = max(fee.service_from, month.start), min(fee.service_until, month.end)
    return _length(start, end) if start < end else Fraction(0)


def _length(start: datetime, end: datetime) -> Fraction:
    return Fraction((end - start) // _INSTANT)


def _decimal(number: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = _DIGITS
        return round(Decimal(number.numerator) / number.denominator, _PLACES)


async def _load_charged(session: AsyncSession, period: Period) -> Mapping[tuple[UUID, str], _Charged]:
    """Load charges by client and fee."""
    found: dict[tuple[UUID, str], _Charged] = {}
    for row in await session.execute(_LINES, {**_binds(session, period), "client": None}):
        before = found.get((row.client_id, row.fee), _Charged(0, row.currency, on_draft=False))
        found[row.client_id, row.fee] = _Charged(
            before.amount + row.amount_minor, row.currency, before.on_draft or row.on_draft
        )
    return found


def _binds(session: AsyncSession, period: Period) -> dict[str, Any]:
    return {"msp": scope_of(session).msp_id, "start": period.start - _ZONES, "end": period.end + _ZONES}


_LINES: Final = text(f"""
    SELECT l.client_id, l.id, l.invoice_id, l.product, l.cause ->> 'fee' AS fee, l.description, l.first_at, l.last_at,
           l.cause ->> 'subscription_id' AS subscription_id, l.quantity,
           l.amount_minor, i.currency, i.state, i.state IN ({in_sql(OPEN)}) AS on_draft,
           coalesce((SELECT x.number FROM issued_invoice x
                      WHERE x.tenant_id = l.tenant_id AND x.invoice_id = l.invoice_id), '') AS number
      FROM invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
     WHERE l.msp_id = :msp AND l.side = 'retail' AND l.kind IN ({in_sql(_KINDS)}) AND i.state <> '{InvoiceState.VOID}'
       AND l.last_at >= :start AND l.first_at < :end AND l.cause ->> 'fee' IS NOT NULL
       AND (CAST(:client AS uuid) IS NULL OR l.client_id = CAST(:client AS uuid))
     ORDER BY i.period_start, l.id
""")
