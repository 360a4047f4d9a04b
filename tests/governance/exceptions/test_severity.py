"""Severity is the sum of its factors, and grows with each of them."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from canonical.values import Value, money
from governance.exception_types import ExceptionType
from governance.exceptions.rows import Exposure
from governance.exceptions.severity import FORMULA, explain_type, price_impact, score
from governance.messages.catalogue import MESSAGES
from governance.messages.severity import BY_TYPE
from tests.support.values import minor, pieces, plain

codes = st.sampled_from([*sorted(ExceptionType), "not.known"])


values = st.none() | st.integers(-(10**9), 10**9).map(minor) | st.integers(-(10**9), 10**9).map(pieces)


@given(codes, values, st.integers(0, 50))
def test_the_score_is_the_sum_of_its_parts(code: str, value: Value | None, channels: int) -> None:
    total, factors = score(code, exposure=Exposure(None, value), channels=channels)
    assert factors["formula"] == FORMULA
    assert [factor["name"] for factor in factors["factors"]] == ["revenue", "compliance", "partner"]
    assert all(factor["code"] in {BY_TYPE, *MESSAGES} for factor in factors["factors"])
    assert explain_type(code)
    assert total == min(100, sum(factor["points"] for factor in factors["factors"]))


@given(
    codes, st.sampled_from((minor, pieces)), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 20),
    st.integers(0, 20),
)  # fmt: skip
def test_more_at_stake_never_weighs_less(  # noqa: PLR0917 - drawn by hypothesis
    code: str, made: Callable[[int], Value], size: int, more: int, channels: int, further: int
) -> None:
    less, _ = score(code, exposure=Exposure(made(size), made(0)), channels=channels)
    greater, _ = score(code, exposure=Exposure(made(0), made(-(size + more))), channels=channels + further)
    assert less <= greater


def points(old: Value | None, new: Value) -> tuple[int, str]:
    _, factors = score("propagation.refused", exposure=Exposure(old, new), channels=0)
    return factors["factors"][0]["points"], factors["factors"][0]["code"]


def test_missing_pieces_are_not_scored_as_money() -> None:
    assert points(minor(1_000), minor(1_500)) == (31, "severity.price_difference")
    assert points(pieces(1_000), pieces(500)) == (31, "severity.quantity_difference")
    assert points(pieces(200_000), pieces(0)) == (37, "severity.quantity_difference")
    assert points(minor(200_000), minor(0)) == (50, "severity.price_difference")


def test_incomparable_values_have_no_exposure() -> None:
    assert points(plain("old"), plain("new")) == (25, "severity.no_amount")
    assert points(minor(1_000, "JPY"), minor(1_000, "EUR")) == points(None, minor(1_000, "EUR"))
    assert points(minor(1_000), minor(1_000)) == (25, "severity.no_amount")


def test_the_impact_is_the_exact_difference_in_price() -> None:
    unit_prices = Exposure(money("0.0015", "USD"), money("0.0012", "USD"))
    assert price_impact(unit_prices) == money("0.0003", "USD")
    largest = Exposure(money("-" + "9" * 26, "USD"), money("9" * 26 + ".000000000001", "USD"))
    assert price_impact(largest) is None, "27 digits are no amount"
    assert price_impact(Exposure(money("9" * 26, "USD"), money("0.000000000001", "USD"))) is not None
    assert price_impact(Exposure(minor(1_000, "JPY"), minor(1_000, "EUR"))) == minor(1_000, "EUR")
    nothing = (None, Exposure(None, None), Exposure(minor(5), minor(5)), Exposure(pieces(5), pieces(9)))
    assert [price_impact(one) for one in nothing] == [None] * 4
