"""Severity is the sum of its breakdown, and more at stake never weighs less."""

from hypothesis import given
from hypothesis import strategies as st

from governance.exceptions.severity import FORMULA, WEIGHTS, score

codes = st.sampled_from([*sorted(WEIGHTS), "not.known"])


@given(codes, st.integers(-(10**9), 10**9), st.integers(0, 50))
def test_the_score_is_the_sum_of_its_parts(code: str, exposure: int, channels: int) -> None:
    total, breakdown = score(code, exposure_minor=exposure, channels=channels)
    assert breakdown["formula"] == FORMULA
    assert [part["name"] for part in breakdown["parts"]] == ["revenue", "compliance", "partner"]
    assert all(part["why"] for part in breakdown["parts"])
    assert total == min(100, sum(part["points"] for part in breakdown["parts"]))


@given(codes, st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 20), st.integers(0, 20))
def test_more_at_stake_never_weighs_less(code: str, exposure: int, more: int, channels: int, further: int) -> None:
    less, _ = score(code, exposure_minor=exposure, channels=channels)
    greater, _ = score(code, exposure_minor=-(exposure + more), channels=channels + further)
    assert less <= greater
