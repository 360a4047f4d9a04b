"""`make migration NAME=some_words`: an empty revision after the newest, numbered by its minute of creation.

Numbers of two branches do not collide; the branch that lands second points its `down_revision` at the other's.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config

from controlplane.migrate import alembic_config

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def create_migration(config: Config, name: str, *, now: datetime) -> Path:
    """Create the file. Raises ValueError for an invalid name, or a second migration within the minute."""
    if not _NAME.fullmatch(name):
        raise ValueError("Name it in small letters and underscores: make migration NAME=partner_titles")
    folder = Path(config.get_main_option("script_location") or "") / "versions"
    number = now.strftime("%Y%m%d%H%M")
    if taken := next(folder.glob(f"{number}_*.py"), None):
        raise ValueError(f"{taken.name} was made in this minute. Wait for the next one.")
    message = name.replace("_", " ").capitalize() + "."
    made = command.revision(config, message, rev_id=number)
    if not made or isinstance(made, list):
        raise ValueError("No revision was made.")
    path = folder / f"{number}_{name}.py"
    Path(made.path).rename(path)
    return path


if __name__ == "__main__":
    try:
        created = create_migration(alembic_config(), sys.argv[1], now=datetime.now(UTC))
    except ValueError as error:
        sys.exit(str(error))
    print(created)
