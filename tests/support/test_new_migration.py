"""Creation of a migration, on a copy of the real ones."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from controlplane.migrate import alembic_config, latest_revision
from tests.support.new_migration import create_migration

NOW = datetime(2031, 5, 6, 7, 8, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = alembic_config()
    shutil.copytree(str(config.get_main_option("script_location")), tmp_path / "migrations")
    config.set_main_option("script_location", str(tmp_path / "migrations"))
    return config


def test_it_follows_the_newest_and_is_named_by_minute_and_words(config: Config) -> None:
    made = create_migration(config, "partner_titles", now=NOW)
    assert made.name == "203105060708_partner_titles.py"
    assert made.read_text().startswith('"""Partner titles.\n')
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == ["203105060708"]
    assert scripts.get_revision("203105060708").down_revision == latest_revision()


@pytest.mark.parametrize("name", ["", "Partner", "partner titles", "../x", "_x"])
def test_an_invalid_name_is_refused(config: Config, name: str) -> None:
    with pytest.raises(ValueError, match="NAME="):
        create_migration(config, name, now=NOW)


def test_the_second_one_of_a_minute_is_refused(config: Config) -> None:
    create_migration(config, "one", now=NOW)
    with pytest.raises(ValueError, match="minute"):
        create_migration(config, "two", now=NOW)
