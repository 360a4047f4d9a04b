"""Disk space per change, and the cost of deleting a month by dropping its partition or deleting its rows.

Bytes are those of tables with their indexes after verified changes of this run, scaled to a million. The month consists
of generated changes and propagations; one row in a hundred is still needed and is moved out before the drop.
"""

import time
from collections.abc import Callable
from typing import Any

import psycopg

from foundation.database.partitions import SCHEMA
from tests.benchmarks.load import LoadPlan, Target, send_load
from tests.benchmarks.rig import NO_WORK, Client, Rig, clients_at_work, running_rig
from tests.benchmarks.table import Row

SKUS = 1_000
ROUNDS = 4
MONTH_ROWS = 100_000
_SIZES = """
SELECT coalesce(parent.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint
  FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
 WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('public', 'fairlead_partitions') GROUP BY 1
"""
_ROW_ID = """
(lpad(to_hex((extract(epoch FROM %(start)s::timestamptz) * 1000)::bigint + n), 12, '0') || '7000800'
 || lpad(to_hex(n), 13, '0'))::uuid
"""


def run() -> list[Row]:
    with running_rig() as rig:
        client = clients_at_work(rig, 1, skus=SKUS)[0]
        grown, changes = _grow(rig, client)
        with rig.owner() as owner:
            ends = owner.execute(f"SELECT {SCHEMA}.last_end('change') - interval '2 months'").fetchone()
            assert ends is not None
            deleted = _month(owner, client, ends[0], _delete)
            dropped = _month(owner, client, ends[0], _drop)
    largest = sorted(grown.items(), key=lambda one: -one[1])[:5]
    shares = ", ".join(f"{table} {size / changes / 1000:.2f}" for table, size in largest if size > 0)
    total = sum(grown.values()) / changes / 1000
    return [
        Row("bytes per million changes on one channel, webhooks of 100: GB", f"{total:.2f} ({shares})"),
        Row(
            f"removing a month of {MONTH_ROWS:,} changes: partition dropped ÷ rows deleted, seconds",
            f"{dropped[0] / deleted[0]:.3f} ({dropped[0]:.2f} / {deleted[0]:.2f} s)",
        ),
        Row(
            "the same: bytes of WAL",
            f"{dropped[1] / deleted[1]:.3f} ({dropped[1] / 1e6:.1f} / {deleted[1] / 1e6:.1f} MB)",
        ),
    ]


def _grow(rig: Rig, client: Client) -> tuple[dict[str, int], int]:
    """Bytes by table that the changes of this run added."""
    with rig.owner() as owner:
        before: dict[str, Any] = dict(owner.execute(_SIZES).fetchall())  # type: ignore[arg-type]
        for number in range(ROUNDS):
            plan = LoadPlan(
                port=rig.port, targets=[Target(client.path, client.hook_secret)], requests=SKUS // 100, changes=100,
                skus=SKUS, first_version=1_000 * (number + 1),
            )  # fmt: skip
            send_load(plan)
            rig.wait(NO_WORK, 1, seconds=180)
        owner.execute("VACUUM")
        after: dict[str, Any] = dict(owner.execute(_SIZES).fetchall())  # type: ignore[arg-type]
    return {table: size - before.get(table, 0) for table, size in after.items()}, ROUNDS * SKUS


def _month(
    owner: "psycopg.Connection[Any]",
    client: Client,
    start: Any,
    remove: Callable[["psycopg.Connection[Any]", str], None],
) -> tuple[float, int]:
    """Seconds and bytes of WAL of `remove` for a month that is filled first."""
    owner.execute(
        f"INSERT INTO change SELECT r.*"
        f" FROM (SELECT to_jsonb(x) AS x FROM change x WHERE tenant_id = %(t)s LIMIT 1) one,"
        f" generate_series(1, %(rows)s) n,"
        f" LATERAL jsonb_populate_record(NULL::change, one.x || jsonb_build_object('id', {_ROW_ID})) r",
        {"start": start, "t": client.scope.tenant_id, "rows": MONTH_ROWS},
    )
    owner.execute(
        f"INSERT INTO propagation SELECT r.*"
        f" FROM (SELECT to_jsonb(x) AS x FROM propagation x WHERE tenant_id = %(t)s LIMIT 1) one,"
        f" generate_series(1, %(rows)s) n,"
        f" LATERAL jsonb_populate_record(NULL::propagation, one.x || jsonb_build_object('change_id', {_ROW_ID})) r",
        {"start": start, "t": client.scope.tenant_id, "rows": MONTH_ROWS},
    )
    for table in ("change", "propagation"):  # the state in which autovacuum leaves a month without writes
        owner.execute(f"VACUUM ANALYZE {SCHEMA}.{table}_{start:%Y_%m}")
    owner.execute("CHECKPOINT")
    before = owner.execute("SELECT pg_current_wal_lsn()").fetchone()
    assert before is not None
    began = time.perf_counter()
    remove(owner, f"{start:%Y_%m}")
    seconds = time.perf_counter() - began
    wal = owner.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)::bigint", before).fetchone()
    assert wal is not None
    return seconds, int(str(wal[0]))


def _delete(owner: "psycopg.Connection[Any]", month: str) -> None:
    for table in ("propagation", "change"):
        owner.execute(f"DELETE FROM {SCHEMA}.{table}_{month}")
        owner.execute(f"VACUUM {SCHEMA}.{table}_{month}")


def _drop(owner: "psycopg.Connection[Any]", month: str) -> None:
    """Drop the month as `fairlead retention run` does; one row in a hundred is kept."""
    for table, key in (("propagation", "change_id"), ("change", "id")):
        with owner.transaction():
            owner.execute(f"SELECT tenant_id, count(*) FROM {SCHEMA}.{table}_{month} GROUP BY 1")
            owner.execute(f"ALTER TABLE {table} DETACH PARTITION {SCHEMA}.{table}_{month}")
            owner.execute(
                f"INSERT INTO {SCHEMA}.{table}_default SELECT * FROM {SCHEMA}.{table}_{month}"
                f" WHERE right({key}::text, 2) IN ('00', '80') LIMIT {MONTH_ROWS // 100}"
            )
            owner.execute(f"DROP TABLE {SCHEMA}.{table}_{month}")
