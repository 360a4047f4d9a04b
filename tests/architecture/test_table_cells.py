"""Cells on phones show their column's label; an empty cell of a column of actions must not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("platform", "tenants", "connectors", "branding", "billing")
_CELL = re.compile(r"<td\b((?:\{%.*?%\}|\{\{.*?\}\}|[^>])*)>(.*?)</td>", re.DOTALL)
_STATEMENT = re.compile(r"\{%-?\s*(end)?(\w+).*?-?%\}", re.DOTALL)
_WRAPPER = re.compile(r"</?(?:div|span)\b[^>]*>")


def may_be_empty(content: str) -> bool:
    """Whether the whole cell depends on conditions without an `else`."""
    shown, at, blocks = "", 0, list[str]()
    for found in _STATEMENT.finditer(re.sub(r"\{#.*?#\}", "", content, flags=re.DOTALL)):
        end, word = found.groups()
        if not blocks:
            shown += content[at : found.start()]
        elif word == "else" and len(blocks) == 1:
            shown += "else"
        if end:
            blocks.pop()
        elif word in {"if", "for", "call"}:
            blocks.append(word)
        at = found.end()
    return not _WRAPPER.sub("", shown + content[at:]).strip()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{% if a %}x{% endif %}", True), ("{% if a %}x{% elif b %}y{% endif %}", True),
        ("<div>{% if a %}x{% endif %}</div>", True), ("{% if a %}{% if b %}x{% else %}y{% endif %}{% endif %}", True),
        ("{% if a %}x{% else %}y{% endif %}", False), ("{{ a }}", False), ("{% if a %}x{% endif %} —", False),
    ],
)  # fmt: skip
def test_conditions_without_else_are_found(content: str, expected: bool) -> None:  # noqa: FBT001
    assert may_be_empty(content) is expected


def test_no_row_without_an_action_shows_the_label_of_actions() -> None:
    wrong, seen = [], 0
    for path in [each for room in ROOMS for each in (ROOT / room).rglob("*.html")]:
        for attributes, content in _CELL.findall(path.read_text()):
            if not re.search(r"_\('Actions?'\)", attributes):
                continue
            seen += 1
            if may_be_empty(content) and "{%- if" not in attributes:
                wrong.append(f"{path.relative_to(ROOT)}: {attributes.strip()}")
    assert wrong == []
    assert seen > 5
