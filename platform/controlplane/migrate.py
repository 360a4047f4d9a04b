"""Bring a database to the current schema: roles first, then the rooms' migrations, once, under a lock."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from foundation.database.roles import RolePasswords, ensure_roles

_LOCK = 0x46414952  # "FAIR": one migration at a time per database


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


async def prepare_roles(owner_conninfo: str, passwords: RolePasswords) -> None:
    async with await psycopg.AsyncConnection.connect(owner_conninfo) as connection:
        await ensure_roles(connection, passwords)


def migrate_schema(owner_conninfo: str, revision: str = "head") -> None:
    """Upgrade to "head", or downgrade to an older revision ("base" for none).

    Fails within seconds rather than queue behind a long lock.

    Raises:
        psycopg.errors.LockNotAvailable: another session holds a conflicting lock; nothing was changed.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(owner_conninfo))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET lock_timeout = '10s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            connection.commit()
            run_alembic(connection, revision)
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
            connection.commit()
    finally:
        engine.dispose()


def run_alembic(connection: Connection, revision: str) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    if revision == "head":
        command.upgrade(config, revision)
    else:
        command.downgrade(config, revision)


def latest_revision() -> str:
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or "none"


def current_revision(owner_conninfo: str) -> str:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(owner_conninfo))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or "none"
    finally:
        engine.dispose()
