"""Arithmetic on canonical amounts, compared with exact fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from canonical.amounts import MAX_INTEGER_DIGITS, MAX_PLACES, canonical_amount, scale_amount

amounts = st.builds(
    lambda sign, whole, places: canonical_amount(f"{sign}{whole}.{places}"),
    st.sampled_from(["", "-"]),
    st.integers(0, 10**MAX_INTEGER_DIGITS - 1),
    st.text("0123456789", min_size=1, max_size=MAX_PLACES),
)


@given(amounts, st.integers(0, 4))
def test_scaling_is_exact_and_whole_where_it_can_be(amount: str, digits: int) -> None:
    scaled = scale_amount(amount, digits)
    assert scaled == Fraction(amount) * 10**digits
    assert isinstance(scaled, int) == (Fraction(scaled).denominator == 1)
