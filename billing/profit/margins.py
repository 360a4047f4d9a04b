"""Joining of revenue and cost. No input or output."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from billing.line_kinds import OF_PACK
from billing.profit.schemas import ProfitRow
from billing.revenue.lines import InvoicedAmount

Key = tuple[str, UUID, str]
"""Month, client and product."""
Costs = Mapping[Key, Mapping[str, Decimal]]
"""Costs by currency."""
_NOTHING: Final[Mapping[str, Decimal]] = {}
_NO_COSTS: Final[Costs] = {}


class CostSource(StrEnum):
    VENDOR = "vendor"
    UNIT_COST = "unit_cost"
    WHOLESALE = "wholesale"


class ProfitLine(NamedTuple):
    """Revenue and cost of one client's product in one currency and month. `has_cost`: some cost is known, in any
    currency; `is_mixed`: some of it is in another currency. `source`: of the cost.
    """

    month: str
    client_id: UUID
    product: str
    book_id: UUID | None
    currency: str
    revenue: Decimal
    cost: Decimal
    source: CostSource
    has_cost: bool
    is_mixed: bool


def join_costs(
    invoiced: Iterable[InvoicedAmount], vendor: Costs, wholesale: Costs, unit_costs: Costs = _NO_COSTS
) -> Sequence[ProfitLine]:
    """Revenue with its cost: the vendors' of the same month where there is one, else by the MSP's unit cost, else the
    operator's. The price of a pack is revenue of its meter, whose cost is that of the usage.
    """
    revenue: dict[Key, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    books: dict[Key, UUID | None] = {}
    for one in invoiced:
        key = (one.month, one.client_id, one.product.removeprefix(OF_PACK))
        revenue[key][one.currency] += one.amount
        books[key] = one.book_id or books.get(key)
    found: list[ProfitLine] = []
    known = ((CostSource.VENDOR, vendor), (CostSource.UNIT_COST, unit_costs), (CostSource.WHOLESALE, wholesale))
    for key in sorted({*revenue, *vendor, *unit_costs, *wholesale}, key=lambda each: (each[0], str(each[1]), each[2])):
        source, costs = next(((one, of[key]) for one, of in known if of.get(key)), (CostSource.WHOLESALE, _NOTHING))
        earned = revenue.get(key, _NOTHING)
        for currency in sorted({*earned, *costs}):
            others = {each for each, amount in {**earned, **costs}.items() if amount and each != currency}
            found.append(
                ProfitLine(
                    *key, books.get(key), currency, earned.get(currency, Decimal(0)), costs.get(currency, Decimal(0)),
                    source=source, has_cost=bool(costs), is_mixed=bool(costs) and bool(others),
                )
            )  # fmt: skip
    return found


def group_profit(lines: Iterable[ProfitLine], key_of: Callable[[ProfitLine], str]) -> Sequence[ProfitRow]:
    """Rows by key, the lowest profit first, those of unknown margin last."""
    groups: dict[tuple[str, str], list[ProfitLine]] = defaultdict(list)
    for one in lines:
        groups[key_of(one), one.currency].append(one)
    rows = [_row(key, currency, own) for (key, currency), own in groups.items()]
    return sorted(
        (row for row in rows if row.revenue or row.cost),
        key=lambda row: (row.margin is None, row.margin or 0, row.key, row.currency),
    )


def _row(key: str, currency: str, lines: Sequence[ProfitLine]) -> ProfitRow:
    revenue = sum((one.revenue for one in lines), Decimal(0))
    cost = sum((one.cost for one in lines), Decimal(0))
    is_mixed = any(one.is_mixed for one in lines)
    margin = None if is_mixed else revenue - cost
    return ProfitRow(
        key=key, currency=currency, revenue=revenue, cost=cost, margin=margin,
        share=round(margin / revenue, 4) if margin is not None and revenue > 0 else None,
        uncosted=sum((one.revenue for one in lines if not one.has_cost and one.revenue > 0), Decimal(0)),
        at_wholesale=_cost_from(CostSource.WHOLESALE, lines), at_unit_cost=_cost_from(CostSource.UNIT_COST, lines),
        is_mixed=is_mixed,
    )  # fmt: skip


def _cost_from(source: CostSource, lines: Sequence[ProfitLine]) -> Decimal:
    return sum((one.cost for one in lines if one.source is source), Decimal(0))
