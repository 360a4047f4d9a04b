"""The check of a month, and the rows behind one difference. In a fleet scope."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.line_kinds import LineKind
from billing.periods import Period, parse_month
from billing.plans.items import list_items
from billing.states import OPEN, InvoiceState
from billing.three_way.compare import BilledSide, Key, Sides, VendorSide, find_differences, keys_of, total
from billing.three_way.items import list_item_rows, load_items
from billing.three_way.prices import load_price
from billing.three_way.schemas import (
    BilledRow,
    DifferenceDetail,
    Explanation,
    LeftOut,
    ThreeWayCheck,
    ThreeWayDifference,
    VendorRow,
)
from billing.usage.counting import MeterAggregation
from billing.usage.measure import MeasuredSpan, measure_spans, seconds_between
from billing.usage.meters import load_countings
from billing.vendor_bills.mapped import MAPPED_LINES
from canonical.money import decimal_amount
from foundation.database.engine import scope_of
from foundation.errors import Forbidden, InvalidInput
from foundation.marks import N_
from foundation.relations import USAGE_ROLLUPS
from foundation.state_machine import in_sql
from foundation.text import is_storable

MOST_ROWS: Final = 200
_PRODUCT: Final = "coalesce(nullif(l.meter, ''), l.product)"
_BILLED: Final = f"""invoice_line l JOIN invoice i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
     WHERE l.msp_id = :msp AND l.side = 'retail' AND l.service_start >= :start AND l.service_start < :end
       AND l.kind = '{LineKind.USAGE}' AND i.state <> '{InvoiceState.VOID}'"""


async def check_month(session: AsyncSession, month: str) -> ThreeWayCheck:
    """Compare a month, such as 2026-03.

    Raises:
        InvalidInput: no such month, or too many prices.
        Forbidden: the scope is not a fleet's.
    """
    period = _period(session, month)
    sides = await _load_sides(session, period)
    explained: dict[Key, list[Explanation]] = {}
    for key, one in await _load_explanations(session, period):
        explained.setdefault(key, []).append(one)
    found = find_differences(sides, await load_price(session, period, sides), explained)
    is_open = [one for one in found if not one.is_explained]
    return ThreeWayCheck(
        month=f"{period.start:%Y-%m}", compared=len(keys_of(sides)), items=found, totals=total(is_open),
        explained_totals=total(one for one in found if one.is_explained),
        unknown=sum(bool(one.difference) and one.amount is None for one in is_open),
        left_out=await _load_left_out(session, period),
    )  # fmt: skip


async def load_difference(session: AsyncSession, month: str, client_id: UUID, product: str) -> DifferenceDetail:
    """Load one client's product in a month. Raises as `check_month`; InvalidInput also for a product that is
    no text.
    """
    if not is_storable(product):
        raise InvalidInput(N_("There is no difference of this client and product in this month."), field="product")
    found: ThreeWayDifference | None = next(
        (
            one
            for one in (await check_month(session, month)).items
            if (one.client_id, one.product) == (client_id, product)
        ),
        None,
    )
    period = _period(session, month)
    keys = {**_binds(session, period), "client": client_id, "product": product, "most": MOST_ROWS}
    vendor = await session.execute(
        text(f"""
            SELECT m.bill_id, m.vendor, m.number, m.line, m.description, m.quantity, m.quantity * m.factor AS units,
                   m.amount, m.currency
              FROM {MAPPED_LINES} m
             WHERE m.tenant_id = :msp AND m.month = :month AND m.mapping = 'mapped' AND m.client_id = :client
               AND m.meter = :product ORDER BY m.vendor, m.number, m.line LIMIT :most
        """),
        keys,
    )
    billed = await session.execute(
        text(f"""
            SELECT l.invoice_id, l.id AS line_id, l.description, l.quantity, l.amount_minor, i.currency, i.state,
                   coalesce((SELECT x.number FROM issued_invoice x
                              WHERE x.tenant_id = l.tenant_id AND x.invoice_id = l.invoice_id), '') AS number
              FROM {_BILLED} AND l.client_id = :client AND {_PRODUCT} = :product
             ORDER BY i.period_start, l.id LIMIT :most
        """),
        keys,
    )
    rows = [_billed_row(dict(row)) for row in billed.mappings()]
    rows += await list_item_rows(session, period, client_id, product, MOST_ROWS)
    explanations = [one for key, one in await _load_explanations(session, period) if key == (client_id, product)]
    return DifferenceDetail(
        month=f"{period.start:%Y-%m}", client_id=client_id, product=product, difference=found,
        vendor_rows=[VendorRow(**row) for row in vendor.mappings()],
        billed_rows=rows,
        explanations=_marked(explanations, found),
    )  # fmt: skip


def _marked(explanations: Sequence[Explanation], found: ThreeWayDifference | None) -> Sequence[Explanation]:
    """Explanations, the latest marked as current if its quantities equal those of the present difference."""
    if found is None or found.explanation is None:
        return explanations
    return [found.explanation, *explanations[1:]]


def _billed_row(row: dict[str, Any]) -> BilledRow:
    minor = row.pop("amount_minor")
    return BilledRow(**row, amount=decimal_amount(minor, row["currency"]))


def _period(session: AsyncSession, month: str) -> Period:
    if not scope_of(session).fleet:
        raise Forbidden(N_("This check is for the MSP's own members only."))
    return parse_month(month)


def _binds(session: AsyncSession, period: Period) -> dict[str, Any]:
    return {
        "msp": scope_of(session).msp_id, "month": f"{period.start:%Y-%m}", "start": period.start, "end": period.end,
    }  # fmt: skip


async def _load_sides(session: AsyncSession, period: Period) -> Sides:
    binds = _binds(session, period)
    vendor: dict[Key, VendorSide] = {}
    for row in await session.execute(_VENDOR, binds):
        one_currency = row.currencies == 1
        vendor[row.client_id, row.product] = VendorSide(
            row.quantity, row.amount if one_currency else None, row.currency if one_currency else ""
        )
    used: dict[Key, Decimal] = {}
    counts: dict[Key, Decimal] = {}
    for row in await session.execute(_USED, binds):
        used[row.client_id, row.meter], counts[row.client_id, row.meter] = row.quantity, Decimal(row.events)
    billed: dict[Key, BilledSide] = {}
    prices: dict[Key, int] = {}
    for row in await session.execute(_LINES, binds):
        key, quantity = (row.client_id, row.product), row.quantity
        prices[key] = max(prices.get(key, 0), row.prices)
        amount = decimal_amount(row.amount_minor, row.currency)
        if (before := billed.get(key)) is not None:  # the unit price is in the latest invoice's currency
            quantity += before.quantity
            amount = amount * quantity / row.quantity if row.quantity else amount
        billed[key] = BilledSide(quantity, amount, row.currency, row.on_draft)
    sides = Sides(vendor, used, billed, frozenset(meter for _, meter in used))
    for meter, counting in (await load_countings(session)).items():
        clients = {client for side in (used, billed) for client, product in side if product == meter}
        if counting.aggregation is MeterAggregation.COUNT:
            used.update({(client, meter): counts.get((client, meter), Decimal(0)) for client in clients})
            continue
        span = seconds_between(period.start, period.end)
        spans = [MeasuredSpan(str(client), client, period.start, period.end, span) for client in sorted(clients)]
        found = await measure_spans(session, meter, counting, spans)
        used.update({(client, meter): found.get(str(client), Decimal(0)) for client in clients})
        # Each price of a month has the quantity of its own part; these do not add up to the month's quantity.
        for key in [key for key in keys_of(sides) if key[1] == meter and prices.get(key, 0) > 1]:
            for side in (vendor, used, billed):
                side.pop(key, None)
    measured = {meter for _, meter in used}
    items, billed_items = await load_items(session, period)
    return Sides(vendor, used | items, billed | billed_items, frozenset({*measured, *await list_items(session)}))


async def _load_explanations(session: AsyncSession, period: Period) -> Sequence[tuple[Key, Explanation]]:
    """Load the month's explanations, the latest first."""
    binds = _binds(session, period)
    rows = await session.execute(_EXPLAINED, {"msp": binds["msp"], "month": binds["month"]})
    fields = [name for name in Explanation.__struct_fields__ if name != "is_current"]
    return [
        ((row.client_id, row.product), Explanation(**{name: getattr(row, name) for name in fields})) for row in rows
    ]


async def _load_left_out(session: AsyncSession, period: Period) -> Sequence[LeftOut]:
    binds = _binds(session, period)
    rows = await session.execute(_LEFT_OUT, {"msp": binds["msp"], "month": binds["month"]})
    return [msgspec.convert(row._mapping, LeftOut) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented accessor


_VENDOR = text(f"""
    SELECT m.client_id, m.meter AS product, sum(m.quantity * m.factor) AS quantity, sum(m.amount) AS amount,
           max(m.currency) AS currency, count(DISTINCT m.currency) AS currencies
      FROM {MAPPED_LINES} m
     WHERE m.tenant_id = :msp AND m.month = :month AND m.mapping = 'mapped' GROUP BY m.client_id, m.meter
""")
_USED = text(f"""
    SELECT u.tenant_id AS client_id, u.meter, sum(u.quantity) AS quantity, sum(u.events) AS events
      FROM {USAGE_ROLLUPS} u
     WHERE u.msp_id = :msp AND u.hour >= :start AND u.hour < :end GROUP BY u.tenant_id, u.meter
""")
# Lines of one product in several currencies cannot be compared as one: the latest invoice's currency is kept.
_LINES = text(f"""
    SELECT l.client_id, {_PRODUCT} AS product, i.currency, sum(l.quantity) AS quantity,
           sum(l.amount_minor)::bigint AS amount_minor, bool_or(i.state IN ({in_sql(OPEN)})) AS on_draft,
           count(DISTINCT l.price_id) AS prices
      FROM {_BILLED} GROUP BY l.client_id, {_PRODUCT}, i.currency ORDER BY max(i.period_start), i.currency
""")
_EXPLAINED = text("""
    SELECT client_id, product, vendor_quantity, used_quantity, billed_quantity, reason, explained_at, explained_by
      FROM billing_difference WHERE tenant_id = :msp AND month = :month ORDER BY explained_at DESC, id DESC
""")
_LEFT_OUT = text(f"""
    SELECT m.mapping, m.currency, count(*) AS lines, sum(m.amount) AS amount FROM {MAPPED_LINES} m
     WHERE m.tenant_id = :msp AND m.month = :month AND m.mapping <> 'mapped'
     GROUP BY m.mapping, m.currency ORDER BY m.mapping DESC, m.currency
""")
