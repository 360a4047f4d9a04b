"""Every setting is in the operator's guide, and every option of every command has a help text."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from controlplane.cli.main import main
from foundation.settings import SECRETS, SettingsInvalid, read_settings
from tests.docs.test_guides import walk

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
URL = "postgresql://a:b@c/d"
# Internal: a worker starts itself with this option for one batch, whose content and result use descriptors.
HIDDEN = {("worker", "--batch")}


class Recording(dict[str, str]):
    """An environment that records the names that were read."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.asked: set[str] = set()

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
        self.asked.add(key)
        return super().get(key, default)


def settings() -> set[str]:
    environment = Recording({"DATABASE_URL": URL, "FAIRLEAD_SECRET_KEY": "x" * 32, "REDIS_URL": "redis://c"})
    read_settings(environment, vault_needed=False)
    return {name.removesuffix("_FILE") if name.removesuffix("_FILE") in SECRETS else name for name in environment.asked}


def options() -> Iterator[tuple[str, click.Option]]:
    for path, command in walk(main, []):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield " ".join(path), parameter


def variables() -> set[str]:
    found: set[str] = set()
    for _, option in options():
        named = option.envvar or ()
        found |= {named} if isinstance(named, str) else set(named)
    return found


def test_every_setting_that_is_read_is_documented() -> None:
    assert {*SECRETS, "FAIRLEAD_LOG", "OTEL_EXPORTER_OTLP_ENDPOINT"} <= settings()
    with pytest.raises(SettingsInvalid):
        read_settings(Recording({}))


@pytest.mark.parametrize("name", sorted(settings() | variables()))
def test_the_guide_names_every_setting(name: str) -> None:
    assert f"`{name}`" in GUIDE, f"docs/operations.md does not name {name}"


def test_every_option_has_a_description() -> None:
    silent = {(path, option.opts[0]) for path, option in options() if not (option.help or "").strip()}
    assert silent == set()


def test_only_internal_commands_are_hidden() -> None:
    assert {(path, option.opts[0]) for path, option in options() if option.hidden} == HIDDEN
    assert [path for path, command in walk(main, []) if command.hidden] == []
