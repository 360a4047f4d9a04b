"""Migration of a database to the current schema: roles first, then the rooms' migrations, once, under a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from foundation.database.access import finish_access, repair_access
from foundation.database.roles import RolePasswords, ensure_roles
from foundation.database.settings import with_settings
from foundation.errors import Conflict
from foundation.marks import N_

MIGRATION_LOCK = 0x46414952  # "FAIR": one migration at a time per database


class MigrationRefused(Conflict):
    code: ClassVar[str] = "migration-refused"
    title: ClassVar[str] = N_("The schema cannot be migrated to this revision")


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


async def prepare_roles(owner_conninfo: str, passwords: RolePasswords) -> None:
    async with await psycopg.AsyncConnection.connect(with_settings(owner_conninfo)) as connection:
        await ensure_roles(connection, passwords)


def migrate_schema(owner_conninfo: str, revision: str = "head") -> str:
    """Upgrade to `revision` and return the resulting revision. There is no downgrade: it would lose data.

    Policies and grants lost in a restore are recreated; at the head, access rights are completed.

    Fails within seconds rather than queue behind a long lock.

    Raises:
        psycopg.errors.LockNotAvailable: another session holds a conflicting lock; nothing was changed.
        MigrationRefused: the schema is newer than this program or than `revision`, or there is no such revision.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(with_settings(owner_conninfo)))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET lock_timeout = '10min'")  # as long as another migration may take
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            connection.commit()
            _require_forward(connection, revision)
            _repair(connection)
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            reached = MigrationContext.configure(connection).get_current_revision() or "none"
            if reached == latest_revision():
                _settle(connection)
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
            connection.commit()
            return reached
    finally:
        engine.dispose()


def _require_forward(connection: Connection, revision: str) -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    known = [script.revision for script in scripts.walk_revisions()]  # newest first
    current = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    if current is not None and current not in known:
        raise MigrationRefused(
            f"The schema is at revision {current}, which this version of Fairlead does not know: a newer version made"
            " it, or one from before the first release. Run that version, or restore a backup of this one."
        )
    if revision != "head" and revision not in known:
        raise MigrationRefused(f"There is no revision {revision}. The newest is {known[0]}.")
    if revision != "head" and current is not None and known.index(revision) > known.index(current):
        raise MigrationRefused(
            f"The schema is at revision {current}, and {revision} is older. Going back would lose data: restore a"
            " backup instead."
        )


def _repair(connection: Connection) -> None:
    """Recreate the policies and grants that a restore without the roles lost."""
    current = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()  # alembic opens its own transactions, if there is none
    if current is not None:
        with _by_statement(connection) as driver:
            repair_access(driver, current)


def _settle(connection: Connection) -> None:
    with _by_statement(connection) as driver:
        finish_access(driver, latest_revision())


@contextmanager
def _by_statement(connection: Connection) -> "Iterator[psycopg.Connection[Any]]":
    """The driver's connection in autocommit mode; transactions are opened explicitly in the block."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("migrations run over psycopg")
    connection.rollback()  # ends the transaction of the last read
    driver.autocommit = True
    try:
        yield driver
    finally:
        driver.autocommit = False


def latest_revision() -> str:
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or "none"


def current_revision(owner_conninfo: str) -> str:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(with_settings(owner_conninfo)))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or "none"
    finally:
        engine.dispose()
