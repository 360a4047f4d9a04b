"""The glossary against the code: its terms occur in code and pages, and every noun of a command has an entry."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from controlplane.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("platform", "tenants", "connectors", "branding", "billing")
_ROW = re.compile(r"^\| ([^|]+?) \| [^|]+ \|$", re.MULTILINE)


def terms() -> list[str]:
    rows = _ROW.findall((ROOT / "docs" / "glossary.md").read_text())
    return [term for row in rows for term in row.split(", ") if term != "term"]


def sources() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in {".py", ".html", ".csv"} and not {"node_modules", "versions"} & {*path.parts}:
                yield path.read_text().lower()


CODE = "\n".join(sources())


@pytest.mark.parametrize("term", terms())
def test_every_term_of_the_glossary_occurs_in_the_code(term: str) -> None:
    words = r"[\s_\-]?".join(map(re.escape, re.split(r"[\s-]", term.lower())))
    assert re.search(rf"(?<![a-z]){words}(?:s|es)?(?![a-z])", CODE), f"nothing in the code is called “{term}”"


def test_the_glossary_is_in_order_and_names_each_term_once() -> None:
    rows = [row.lower() for row in _ROW.findall((ROOT / "docs" / "glossary.md").read_text()) if row != "term"]
    assert rows == sorted(set(rows))


def test_every_noun_of_the_command_line_has_an_entry() -> None:
    nouns = {name.replace("-", " ") for name, one in main.commands.items() if isinstance(one, click.Group)} - {"valkey"}
    known = [term.lower().replace("-", " ") for term in terms()]
    assert {noun for noun in nouns if not any(re.match(rf"{noun}\b", term) for term in known)} == set()
