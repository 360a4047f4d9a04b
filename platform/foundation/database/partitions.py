"""Time-partitioned tables, for migrations.

Partitions are in a schema of their own, which no role of the application may use: rows are accessed through the
partitioned table, whose policies and grants apply. Each partition has row-level security forced with one policy, for
the owner, whose maintenance moves and drops rows there. The default partition takes rows that no month covers: old rows
that outlive their month, and new ones whose month was not created. The schema's functions are stored functions.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

SCHEMA: Final = "fairlead_partitions"


def month_after(at: datetime) -> datetime:
    return at.replace(
        year=at.year + at.month // 12, month=at.month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )


def open_partitions(connection: Connection, *tables: str, storage: Mapping[str, str] | None = None) -> None:
    """Create the first partitions of new tables: all time up to the end of this month, the months ahead, and the
    default.

    `storage`: storage parameters of the partitions, by table, because a partitioned table cannot have any itself.
    """
    for table in tables:
        parameters = f" WITH ({storage[table]})" if storage and table in storage else ""
        for part, values in (("initial", _until_month_end(connection, table)), ("default", "DEFAULT")):
            path = f"{SCHEMA}.{table}_{part}"
            connection.exec_driver_sql(f"CREATE TABLE {path} PARTITION OF public.{table} {values}{parameters}")
            connection.exec_driver_sql(f"SELECT {SCHEMA}.close('{path}'::regclass)")
    connection.exec_driver_sql(f"SELECT {SCHEMA}.create_ahead()")


def _until_month_end(connection: Connection, table: str) -> str:
    until = month_after(datetime.now(UTC)).isoformat()
    bound = connection.exec_driver_sql(f"SELECT {SCHEMA}.bound('public.{table}'::regclass, '{until}')").scalar_one()
    return f"FOR VALUES FROM (MINVALUE) TO ('{bound}')"
