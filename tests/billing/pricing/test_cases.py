"""The worked cases of other billing engines, through the public functions: one test for each case.

`shared/billing/cases.jsonl` beside the checkout or above it is used if there is one, which may hold more cases;
else the copy in this folder.
"""

import json
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

import tests.billing.pricing.adapters_time  # noqa: F401 - registers its adapters
from tests.billing.pricing.adapters import ADAPTERS

_COPY: Final = Path(__file__).with_name("cases.jsonl")
_SHARED: Final = [folder / "shared" / "billing" / "cases.jsonl" for folder in _COPY.parents]
CASES: Final = {
    case["id"]: case
    for path in ([found for found in _SHARED if found.is_file()] or [_COPY])[:1]
    for case in map(json.loads, path.read_text(encoding="utf-8").splitlines())
}


@pytest.mark.parametrize("case_id", CASES)
def test_a_worked_case_comes_out_as_in_its_source(case_id: str) -> None:
    case = CASES[case_id]
    found = ADAPTERS[case["kind"]](case["inputs"])
    for name, value in case["expected"].items():
        assert _plain(found[name], value) == value, f"{name}: {case['source']}: {case['note']}"


def _plain(found: Any, like: Any) -> Any:
    """`found` as the case writes `like`, where both are the same."""
    if isinstance(like, dict):
        return {key: _plain(found.get(key, Decimal(0)), value) for key, value in like.items()}
    if isinstance(like, list):
        return [_plain(one, value) for one, value in zip(found, like, strict=False)] + list(found[len(like) :])
    if isinstance(found, str) or not isinstance(like, str):
        return found
    try:
        wanted = Fraction(like) if "/" in like else Fraction(Decimal(like))
    except (InvalidOperation, ValueError):
        return found
    return like if Fraction(found) == wanted else str(found)


def test_every_kind_has_an_adapter_and_the_copy_is_complete() -> None:
    copied = [json.loads(line) for line in _COPY.read_text(encoding="utf-8").splitlines()]
    assert {case["kind"] for case in copied} == set(ADAPTERS)
    assert len(copied) == 80
