"""Revenue by month and client, and its changes: no input or output."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

from billing.line_kinds import LineKind
from billing.periods import parse_month
from billing.pricing.numbers import exact
from billing.pricing.rounding import round_amount
from billing.revenue.lines import InvoicedAmount
from billing.revenue.schemas import ClientMovement, DeferredAmount, MonthRevenue, MovementKind, RevenueBasis
from canonical.money import stored_exponent

Amounts = Mapping[tuple[str, str], Mapping[UUID, Decimal]]
"""Amounts by month and currency, then by client."""
_DAYS: Final = Decimal("30.4375")
"""Days of an average month."""
_INSTANT: Final = timedelta(microseconds=1)
_NOBODY: Final[Mapping[UUID, Decimal]] = {}


def month_after(month: str, months: int = 1) -> str:
    year, number = int(month[:4]), int(month[5:]) - 1 + months
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def spread(one: InvoicedAmount) -> Sequence[tuple[str, Decimal]]:
    """A recurring amount over the months of its service, from that in which it begins; the last has the rest of the
    division.
    """
    months = _months_of(one.first_at, one.last_at)
    start = f"{one.first_at:%Y-%m}" if one.first_at is not None and months > 1 else one.month
    part = round(one.amount / months, stored_exponent(one.currency))
    parts = [part] * (months - 1)
    return [(month_after(start, place), amount) for place, amount in enumerate([*parts, one.amount - sum(parts)])]


def _months_of(first: datetime | None, last: datetime | None) -> int:
    return 1 if first is None or last is None else max(1, round(Decimal((last - first).days + 1) / _DAYS))


def sum_basis(invoiced: Iterable[InvoicedAmount], basis: RevenueBasis) -> Amounts:
    """Recurring amounts spread over their months, or all as they were invoiced."""
    found: dict[tuple[str, str], dict[UUID, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in invoiced:
        if basis is RevenueBasis.INVOICED:
            found[one.month, one.currency][one.client_id] += one.amount
        elif one.is_recurring:
            for month, amount in spread(one):
                found[month, one.currency][one.client_id] += amount
    return found


def deferred_after(invoiced: Iterable[InvoicedAmount], month: str) -> Sequence[DeferredAmount]:
    """Amounts invoiced until the month for service after it, in proportion to time: such as half of the fee for a month
    of service that began in mid-month. Discounts of a product reduce it in proportion.
    """
    end, known = parse_month(month).end, [one for one in invoiced if one.month <= month]
    charged: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    off: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    for one in known:
        if one.kind is LineKind.DISCOUNT:
            off[_product(one)] -= one.amount
        elif one.amount > 0 and not one.is_credit:
            charged[_product(one)] += one.amount
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for one in known:
        first, last = one.first_at, one.last_at
        if not (one.is_recurring or one.kind is LineKind.DISCOUNT_BACK) or first is None or last is None or last <= end:
            continue
        part = exact(one.amount) * Fraction((last - max(end, first)) // _INSTANT, (last - first) // _INSTANT)
        key = _product(one)
        if one.amount > 0 and not one.is_credit and one.kind is not LineKind.DISCOUNT_BACK:
            part *= 1 - min(Fraction(1), exact(off.get(key, Decimal(0))) / exact(charged[key]))
        sums[one.currency] += part
    rounded = {currency: round_amount(amount, stored_exponent(currency)) for currency, amount in sorted(sums.items())}
    return [DeferredAmount(currency, amount) for currency, amount in rounded.items() if amount]


def _product(one: InvoicedAmount) -> tuple[object, ...]:
    return one.month, one.client_id, one.product, one.currency


def list_movements(amounts: Amounts, month: str, currency: str) -> Sequence[ClientMovement]:
    """List changes by client, the largest losses first."""
    before = amounts.get((month_after(month, -1), currency), _NOBODY)
    now = amounts.get((month, currency), _NOBODY)
    found = [
        movement
        for client_id in {*before, *now}
        if (
            movement := _movement(
                client_id, currency, before.get(client_id, Decimal(0)), now.get(client_id, Decimal(0))
            )
        )
    ]
    return sorted(found, key=lambda one: (one.change, str(one.client_id)))


def _movement(client_id: UUID, currency: str, before: Decimal, now: Decimal) -> ClientMovement | None:
    if before == now:
        return None
    if now > before:
        kind = MovementKind.NEW if before <= 0 else MovementKind.EXPANSION
    else:
        kind = MovementKind.LOST if now <= 0 else MovementKind.CONTRACTION
    return ClientMovement(
        client_id=client_id, currency=currency, kind=kind, before=before, now=now, change=now - before
    )


def month_revenue(
    invoiced: Sequence[InvoicedAmount], amounts: Amounts, recurring: Amounts, month: str, currency: str
) -> MonthRevenue:
    """One month in one currency."""
    own = [one for one in invoiced if (one.month, one.currency) == (month, currency)]
    changes: dict[MovementKind, Decimal] = defaultdict(Decimal)
    movements = list_movements(amounts, month, currency)
    for one in movements:
        changes[one.kind] += one.change
    before = [each for each in amounts.get((month_after(month, -1), currency), _NOBODY).values() if each > 0]
    lost = sum(one.kind is MovementKind.LOST for one in movements)
    gone = -(changes[MovementKind.LOST] + changes[MovementKind.CONTRACTION])
    return MonthRevenue(
        month=month, currency=currency, invoiced=_sum(own),
        recurring_invoiced=_sum(one for one in own if one.is_recurring),
        usage=_sum(one for one in own if one.kind is LineKind.USAGE and not one.is_recurring),
        other=_sum(one for one in own if one.kind is not LineKind.USAGE and not one.is_recurring),
        recurring=sum(recurring.get((month, currency), _NOBODY).values(), Decimal(0)),
        new=changes[MovementKind.NEW], expansion=changes[MovementKind.EXPANSION],
        contraction=changes[MovementKind.CONTRACTION], lost=changes[MovementKind.LOST],
        clients=sum(each > 0 for each in amounts.get((month, currency), _NOBODY).values()), lost_clients=lost,
        churn=round(gone / sum(before), 4) if before else None,
        client_churn=round(Decimal(lost) / len(before), 4) if before else None,
    )  # fmt: skip


def _sum(parts: Iterable[InvoicedAmount]) -> Decimal:
    return sum((one.amount for one in parts), Decimal(0))
