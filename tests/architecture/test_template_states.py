"""States and statuses compared in templates exist: a misspelt one never matches, and the page shows a blank."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

import controlplane.rooms  # noqa: F401 - imports every room, and so every enumeration

ROOT: Final = Path(__file__).parents[2]
_COMPARED: Final = re.compile(r"\b(?:state|status) (?:==|!=|in|not in) (\"[^\"]*\"|\([^)]*\))")
_COMPUTED: Final = {"complete", "empty"}
"""States of a reconciliation: computed from its sums (`billing.schemas`), never stored."""


def compared_in(text: str) -> list[str]:
    return [word for match in _COMPARED.finditer(text) for word in re.findall(r'"([^"]*)"', match[1])]


def values_of(kind: type[StrEnum]) -> Iterator[str]:
    yield from (str(member.value) for member in kind)
    for below in kind.__subclasses__():
        yield from values_of(below)


def test_templates_compare_with_states_that_exist() -> None:
    known = set(values_of(StrEnum)) | _COMPUTED
    compared = {
        (str(path.relative_to(ROOT)), word)
        for room in ("platform", "tenants", "connectors", "branding", "billing")
        for path in (ROOT / room).rglob("*.html")
        for word in compared_in(path.read_text())
    }
    assert len(compared) > 50
    assert sorted(one for one in compared if one[1] not in known) == []


def test_comparisons_are_found() -> None:
    assert compared_in('{% if a.state == "x" or b.status not in ("y", "z") %}') == ["x", "y", "z"]
