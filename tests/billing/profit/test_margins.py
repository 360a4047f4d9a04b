"""Margins: the precedence of costs, and currencies that are never added."""

from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.line_kinds import LineKind
from billing.profit.margins import group_profit, join_costs
from billing.revenue.lines import InvoicedAmount

CLIENT = UUID(int=1)


def invoiced(amount: str, *, product: str = "seat", currency: str = "EUR", month: str = "2026-03") -> InvoicedAmount:
    return InvoicedAmount(
        month=month, client_id=CLIENT, product=product, label=product, kind=LineKind.USAGE, is_recurring=False,
        book_id=None, currency=currency, amount=Decimal(amount), first_at=None, last_at=None, is_credit=False,
    )  # fmt: skip


def test_the_vendors_cost_counts_else_the_operators() -> None:
    lines = [invoiced("100"), invoiced("-10"), invoiced("50", product="sync"), invoiced("7", product="own")]
    vendor = {("2026-03", CLIENT, "seat"): {"EUR": Decimal("99.5")}}
    wholesale = {(*("2026-03", CLIENT), product): {"EUR": Decimal(20)} for product in ("seat", "sync")}
    [row] = group_profit(join_costs(lines, vendor, wholesale), lambda one: str(one.client_id))
    assert (row.revenue, row.cost, row.margin) == (Decimal(147), Decimal("119.5"), Decimal("27.5"))
    assert (row.share, row.uncosted, row.at_wholesale) == (Decimal("0.1871"), Decimal(7), Decimal(20))
    worst = group_profit(join_costs(lines, vendor, wholesale), lambda one: one.product)
    assert [(one.key, one.margin) for one in worst] == [
        ("seat", Decimal("-9.5")), ("own", Decimal(7)), ("sync", Decimal(30)),
    ]  # fmt: skip


def test_cost_in_another_currency_gives_no_margin() -> None:
    vendor = {("2026-03", CLIENT, "seat"): {"USD": Decimal(3)}}
    rows = group_profit(join_costs([invoiced("10")], vendor, {}), lambda one: one.product)
    assert {(one.currency, one.revenue, one.cost, one.margin) for one in rows} == {
        ("EUR", Decimal(10), Decimal(0), None), ("USD", Decimal(0), Decimal(3), None),
    }  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["EUR", "USD"]), st.integers(-50, 50)), max_size=12))
def test_rows_add_up_to_what_was_invoiced_whatever_the_grouping(parts: list[tuple[str, str, int]]) -> None:
    lines = join_costs([invoiced(str(n), product=product, currency=currency) for product, currency, n in parts], {}, {})
    for key in (lambda one: one.product, lambda one: one.month, lambda _: ""):
        for currency in ("EUR", "USD"):
            rows = [row for row in group_profit(lines, key) if row.currency == currency]
            assert sum(row.revenue for row in rows) == sum(n for _, each, n in parts if each == currency)
