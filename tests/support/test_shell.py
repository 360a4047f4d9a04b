"""Database connection of `make shell`."""

import os
import subprocess
from pathlib import Path

import pytest

from controlplane.embedded.paths import postgres_programs
from foundation.settings import SettingsInvalid
from tests.conftest import Urls
from tests.support.shell import find_database, psql_environment


def test_psql_reaches_the_database_that_the_environment_names(urls: Urls) -> None:
    address = find_database({"DATABASE_URL": urls.owner, "REDIS_URL": urls.redis})
    assert address == urls.owner
    done = subprocess.run(
        [str(postgres_programs() / "psql"), "--no-psqlrc", "--tuples-only", "--command", "SELECT current_user"],
        env={**os.environ, **psql_environment(address)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "fairlead_owner"


def test_without_an_installation_it_names_the_command_to_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="fairlead up"):
        find_database({"FAIRLEAD_DATA": str(tmp_path)})
