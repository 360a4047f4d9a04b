"""The copied cluster equals a migrated one, and is renewed when its inputs change."""

from pathlib import Path

import psycopg
import pytest

from controlplane.migrate import latest_revision
from tests.conftest import Urls
from tests.support.schema_template import SOURCES, fingerprint


def test_the_database_is_at_the_newest_revision(urls: Urls) -> None:
    with psycopg.connect(urls.owner) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(latest_revision(),)]


@pytest.mark.parametrize("change", ["content", "name", "further"])
def test_a_changed_source_makes_another_template(tmp_path: Path, change: str) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.sql"
    first.write_text("a")
    before = fingerprint([first])
    assert fingerprint([first]) == before
    if change == "content":
        first.write_text("b")
    elif change == "name":
        first = first.rename(second)
    else:
        second.touch()
    assert fingerprint([first, second] if change == "further" else [first]) != before


def test_migrations_import_only_what_the_template_depends_on() -> None:
    """Otherwise a copy of an old schema would pass for a new one."""
    root = Path(__file__).parents[2]
    known = {name.removeprefix("platform/").removesuffix(".py").replace("/", ".") for name in SOURCES}
    ours = {"branding", "billing", "canonical", "connectors", "controlplane", "foundation", "governance", "policy"}
    ours |= {"tenants", "webhooks"}
    for path in (root / "platform/controlplane/migrations").rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]) and words[1].partition(".")[0] in ours:
                assert any(words[1] == each or words[1].startswith(f"{each}.") for each in known), f"{path}: {line}"
