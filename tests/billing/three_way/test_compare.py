"""The comparison of vendor, use and invoice: signs, amounts, and exclusions."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.three_way.compare import BilledSide, Key, Sides, VendorSide, compare, total
from billing.three_way.schemas import DifferenceKind

KEY: Key = (UUID(int=1), "seat")


def price(_: Key, quantity: Decimal) -> tuple[Decimal, str]:
    return quantity * 5, "EUR"


def unknown(_: Key, __: Decimal) -> None:
    return None


def sides(vendor: str | None, used: str | None, billed: str | None) -> Sides:
    """A unit costs 3 EUR and was billed for 4."""
    return Sides(
        {} if vendor is None else {KEY: VendorSide(Decimal(vendor), 3 * Decimal(vendor), "EUR")},
        {} if used is None else {KEY: Decimal(used)},
        {} if billed is None else {KEY: BilledSide(Decimal(billed), 4 * Decimal(billed), "EUR", on_draft=False)},
        frozenset() if used is None else frozenset({"seat"}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("vendor", "used", "billed", "kinds", "difference", "amount", "vendor_amount"),
    [
        ("10", "10", "8", ["leakage"], "2", "10", None),
        ("10", None, "8", ["leakage"], "2", "10", None),
        (None, "10", None, ["leakage"], "10", "50", None),
        ("10", "7", "10", ["ghost", "vendor_over"], "-3", "-15", "9"),
        ("7", "10", "10", ["vendor_under"], "0", "0", "-9"),
        ("-1", None, None, ["ghost"], "-1", "-5", None),
    ],
)
def test_each_difference_has_its_sign_and_its_money(  # noqa: PLR0917 - one row each
    vendor: str | None, used: str | None, billed: str | None, kinds: list[str], difference: str, amount: str,
    vendor_amount: str | None,
) -> None:  # fmt: skip
    found = compare(KEY, sides(vendor, used, billed), price, ())
    assert found is not None
    assert [kind.value for kind in found.kinds] == kinds
    assert (found.difference, found.amount) == (Decimal(difference), Decimal(amount))
    assert found.vendor_amount == (None if vendor_amount is None else Decimal(vendor_amount))


@pytest.mark.parametrize(
    ("vendor", "used", "billed"), [("5", "5", "5"), ("5", None, "5"), (None, "5", "5"), (None, None, "9")]
)
def test_equal_or_incomparable_amounts_are_no_difference(vendor: str | None, used: str | None, billed: str) -> None:
    assert compare(KEY, sides(vendor, used, billed), price, ()) is None


def test_without_a_price_it_is_that_of_the_invoice_then_the_cost() -> None:
    billed = compare(KEY, sides("10", None, "8"), unknown, ())
    assert billed is not None
    assert (billed.amount, billed.at_cost) == (Decimal(8), False)
    never = compare(KEY, sides("10", None, None), unknown, ())
    assert never is not None
    assert (never.amount, never.at_cost) == (Decimal(30), True)
    nothing = compare(KEY, sides(None, "10", None), unknown, ())
    assert nothing is not None
    assert (nothing.amount, nothing.currency) == (None, "")


@given(*[st.integers(0, 50)] * 3)
def test_sums_are_those_of_the_differences(vendor: int, used: int, billed: int) -> None:
    found = compare(KEY, sides(str(vendor), str(used), str(billed)), price, ())
    sums = total([] if found is None else [found])
    owed = 5 * (used - billed)
    assert sum(one.leakage + one.ghost for one in sums) == owed
    assert sum(one.vendor_over for one in sums) == 3 * max(vendor - used, 0)
    assert (found is None) == (used == billed == vendor)
    assert found is None or (DifferenceKind.LEAKAGE in found.kinds) == (used > billed)
