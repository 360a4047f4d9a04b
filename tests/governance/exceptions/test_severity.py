"""Severity is the sum of its factors, and more at stake never weighs less."""

from hypothesis import given
from hypothesis import strategies as st

from governance.exception_types import ExceptionType
from governance.exceptions.severity import FORMULA, explain_type, score
from governance.messages.catalogue import MESSAGES
from governance.messages.severity import BY_TYPE

codes = st.sampled_from([*sorted(ExceptionType), "not.known"])


@given(codes, st.integers(-(10**9), 10**9), st.integers(0, 50))
def test_the_score_is_the_sum_of_its_parts(code: str, exposure: int, channels: int) -> None:
    total, factors = score(code, exposure_minor=exposure, channels=channels)
    assert factors["formula"] == FORMULA
    assert [factor["name"] for factor in factors["factors"]] == ["revenue", "compliance", "partner"]
    assert all(factor["code"] in {BY_TYPE, *MESSAGES} for factor in factors["factors"])
    assert explain_type(code)
    assert total == min(100, sum(factor["points"] for factor in factors["factors"]))


@given(codes, st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 20), st.integers(0, 20))
def test_more_at_stake_never_weighs_less(code: str, exposure: int, more: int, channels: int, further: int) -> None:
    less, _ = score(code, exposure_minor=exposure, channels=channels)
    greater, _ = score(code, exposure_minor=-(exposure + more), channels=channels + further)
    assert less <= greater
