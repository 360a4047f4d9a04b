"""Settings of the server's database or role do not change how sessions read and write."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from controlplane.migrate import migrate_schema
from foundation.clock import write_utc
from foundation.database.connecting import ReconnectingConnection, connect_to_database
from foundation.database.engine import Database
from foundation.database.settings import with_settings
from foundation.scope import Scope
from tests.conftest import Urls

FOREIGN = {
    "TimeZone": "America/Los_Angeles", "DateStyle": "SQL, DMY", "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15", "bytea_output": "escape", "standard_conforming_strings": "off",
    "client_encoding": "LATIN1", "search_path": "pg_catalog", "default_transaction_isolation": "serializable",
}  # fmt: skip
AT = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
VALUES = r"""
    SELECT CAST(:at AS timestamptz), date_trunc('month', CAST(:at AS timestamptz)), DATE '2026-03-02',
           INTERVAL '1 day 02:00', CAST(0.1 AS float8) + CAST(0.2 AS float8), '\x00ff'::bytea, 'ü€', 'a\b',
           (SELECT count(*) FROM alembic_version)
"""
EXPECTED = (
    AT, datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 2), timedelta(days=1, hours=2), 0.1 + 0.2, b"\x00\xff",
    "ü€", r"a\b", 1,
)  # fmt: skip


@contextmanager
def foreign_settings(urls: Urls) -> Iterator[None]:
    name = sql.Identifier(str(conninfo_to_dict(urls.owner)["dbname"]))
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        for setting, value in FOREIGN.items():
            change = sql.SQL("ALTER DATABASE {} SET {} = {}")
            values = sql.SQL(", ").join(sql.Literal(each.strip()) for each in value.split(","))
            connection.execute(change.format(name, sql.Identifier(setting.lower()), values))
        try:
            yield
        finally:
            for setting in FOREIGN:
                connection.execute(sql.SQL("ALTER DATABASE {} RESET {}").format(name, sql.Identifier(setting.lower())))


async def test_a_foreign_database_setting_changes_nothing(urls: Urls, scope: Scope) -> None:
    with foreign_settings(urls):
        with psycopg.connect(urls.app) as plain:
            assert plain.execute("SHOW TimeZone").fetchone() == ("America/Los_Angeles",), "the test sets something"
        database = Database(urls.app, pool_size=1)
        try:
            for _ in range(2):
                async with database.transaction(scope) as session:
                    row = (await session.execute(text(VALUES), {"at": AT})).one()
                    assert tuple(row) == EXPECTED
                    assert row[0].isoformat() == "2026-03-01T00:30:00+00:00"
                    assert f"{row[1]:%B %Y}" == "March 2026"
                    level = await session.scalar(text("SELECT current_setting('transaction_isolation')"))
                    assert level == "read committed"
        finally:
            await database.close()


@pytest.mark.parametrize("role", ["app", "intake", "relay", "owner"])
async def test_pooled_connections_keep_the_setting_over_a_discard(urls: Urls, role: str) -> None:
    conninfo: str = getattr(urls, role)
    with foreign_settings(urls):
        kept = ReconnectingConnection(conninfo, round_trip_timeout=10.0)
        single = await connect_to_database(conninfo, round_trip_timeout=None)
        try:
            for connection in (single, await kept.get()):
                for _ in range(2):
                    cursor = await connection.execute("SELECT current_setting('TimeZone'), %s::timestamptz", (AT,))
                    row = await cursor.fetchone()
                    assert row is not None
                    zone, at = row
                    assert (zone, at.utcoffset(), at) == ("UTC", timedelta(0), AT)
                    await connection.execute("DISCARD ALL")
        finally:
            await single.close()
            await kept.close()


def test_migrations_run_in_utc(urls: Urls) -> None:
    with foreign_settings(urls):
        migrate_schema(urls.owner)
        with psycopg.connect(with_settings(urls.owner)) as connection:
            assert connection.execute("SHOW DateStyle").fetchone() == ("ISO, YMD",)


def test_options_of_an_address_are_preserved() -> None:
    made = conninfo_to_dict(with_settings("postgresql://h/d?options=-c%20work_mem%3D8MB&connect_timeout=3"))
    assert str(made["options"]).startswith("-c work_mem=8MB -c TimeZone=UTC")
    assert (made["client_encoding"], str(made["connect_timeout"])) == ("UTF8", "3")


def test_a_time_is_written_in_the_given_zone() -> None:
    assert write_utc(datetime(2026, 3, 1, 7, 44, tzinfo=ZoneInfo("Asia/Shanghai"))) == "2026-02-28 23:44 UTC"
