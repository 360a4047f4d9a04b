"""Worked cases of other billing engines, through the public functions: one test for each case.

The cases are read from `shared/billing/cases.jsonl` in a folder above the checkout. A checkout without that folder runs
the cases below only, which are our own.
"""

import json
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

import tests.billing.pricing.adapters_time  # noqa: F401 - registers its adapters
from tests.billing.pricing.adapters import ADAPTERS

_FILES: Final = [folder / "shared" / "billing" / "cases.jsonl" for folder in Path(__file__).parents]
_OWN: Final[list[dict[str, Any]]] = [
    {
        "id": "own-graduated", "kind": "graduated", "source": "computed by hand", "note": "two tiers and a flat fee",
        "inputs": {"tiers": [{"up_to": 3, "unit": "2"}, {"up_to": None, "unit": "1", "flat": "4"}], "quantity": 5},
        "expected": {"amount": "12"},
    },
    {
        "id": "own-volume", "kind": "volume", "source": "computed by hand", "note": "the bound belongs to its tier",
        "inputs": {"tiers": [{"up_to": 3, "unit": "2"}, {"up_to": None, "unit": "1"}], "quantity": 3},
        "expected": {"amount": "6"},
    },
    {
        "id": "own-package", "kind": "package", "source": "computed by hand", "note": "a begun package is due in full",
        "inputs": {"size": 10, "price": "5", "free": 5, "quantity": 26},
        "expected": {"packages": "3", "amount": "15"},
    },
]  # fmt: skip


def _read() -> list[dict[str, Any]]:
    file = next((one for one in _FILES if one.is_file()), None)
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file else []


CASES: Final = {case["id"]: case for case in [*_OWN, *_read()]}


@pytest.mark.parametrize("case_id", CASES)
def test_a_worked_example_gives_the_result_of_its_source(case_id: str) -> None:
    case = CASES[case_id]
    found = ADAPTERS[case["kind"]](case["inputs"])
    for name, value in case["expected"].items():
        assert _plain(found[name], value) == value, f"{name}: {case['source']}: {case['note']}"


def _plain(found: Any, like: Any) -> Any:
    """`found` in the notation of `like`, if both are equal."""
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
