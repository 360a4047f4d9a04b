"""Recurring revenue by month and client: spreading, changes, churn, deferred."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.line_kinds import LineKind
from billing.revenue.lines import InvoicedAmount
from billing.revenue.movements import deferred_after, list_movements, month_revenue, spread, sum_basis
from billing.revenue.schemas import MovementKind, RevenueBasis

A, B, C, D = (UUID(int=number) for number in range(1, 5))


def fee(
    client: UUID, amount: str, month: str = "2026-03", *, first: datetime | None = None, last: datetime | None = None
) -> InvoicedAmount:
    return InvoicedAmount(
        month=month, client_id=client, product="plan", label="Plan", kind=LineKind.SUBSCRIPTION, is_recurring=True,
        book_id=None, currency="EUR", amount=Decimal(amount), first_at=first, last_at=last, is_credit=False,
    )  # fmt: skip


def yearly(amount: str) -> InvoicedAmount:
    return fee(A, amount, first=datetime(2026, 3, 1, tzinfo=UTC), last=datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC))


def test_changes_of_each_client_add_up_to_the_change_of_the_month() -> None:
    lines = [
        fee(A, "10", "2026-02"), fee(B, "20", "2026-02"), fee(C, "30", "2026-02"),
        fee(A, "15"), fee(B, "5"), fee(D, "7"),
    ]  # fmt: skip
    amounts = sum_basis(lines, RevenueBasis.RECURRING)
    found = list_movements(amounts, "2026-03", "EUR")
    assert [(one.client_id, one.kind, one.change) for one in found] == [
        (C, MovementKind.LOST, Decimal(-30)), (B, MovementKind.CONTRACTION, Decimal(-15)),
        (A, MovementKind.EXPANSION, Decimal(5)), (D, MovementKind.NEW, Decimal(7)),
    ]  # fmt: skip
    month = month_revenue(lines, amounts, amounts, "2026-03", "EUR")
    assert (month.recurring, month.clients, month.lost_clients) == (Decimal(27), 3, 1)
    assert (month.churn, month.client_churn) == (Decimal("0.75"), Decimal("0.3333"))
    assert month_revenue(lines, amounts, amounts, "2026-01", "EUR").churn is None


def test_a_fee_of_a_year_is_spread_and_deferred() -> None:
    line = yearly("100")
    parts = spread(line)
    assert (len(parts), parts[0], parts[-1]) == (12, ("2026-03", Decimal("8.33")), ("2027-02", Decimal("8.37")))
    assert [one.amount for one in deferred_after([line], "2026-03")] == [Decimal("91.51")]  # 334 of 365 days
    half_off = replace(line, amount=Decimal(-50), kind=LineKind.DISCOUNT, is_recurring=False, last_at=line.first_at)
    assert [one.amount for one in deferred_after([line, half_off], "2026-03")] == [Decimal("45.75")]
    assert list(deferred_after([line], "2027-02")) == []
    assert spread(fee(B, "9")) == [("2026-03", Decimal(9))]


def test_a_month_that_is_paid_ahead_from_its_middle_is_deferred_in_part() -> None:
    ahead = fee(A, "31", first=datetime(2026, 3, 16, tzinfo=UTC), last=datetime(2026, 4, 15, 23, 59, 59, 999999, UTC))
    taken_back = replace(ahead, amount=Decimal("-15.5"), kind=LineKind.PRORATION_CREDIT)
    assert [one.amount for one in deferred_after([ahead], "2026-03")] == [Decimal(15)]
    assert [one.amount for one in deferred_after([ahead, taken_back], "2026-03")] == [Decimal("7.50")]
    assert [list(deferred_after([ahead], month)) for month in ("2026-02", "2026-04")] == [[], []]


@given(st.decimals(-9999, 9999, places=2), st.integers(1, 800))
def test_no_cent_is_lost_in_spreading(amount: Decimal, days: int) -> None:
    start = datetime(2026, 1, 31, tzinfo=UTC)
    line = fee(A, str(amount), first=start, last=datetime.fromtimestamp(start.timestamp() + days * 86_400 - 1, UTC))
    assert sum(part for _, part in spread(line)) == amount
