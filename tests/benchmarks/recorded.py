"""Months of recorded changes for the benchmarks: copies of one real change and its deliveries, at other times.

Triggers and foreign keys are off while rows are copied; the audit trail has no entries for them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg

SPAN: Final = "interval '28 days'"
_TIMES: Final = {
    "change": ("committed_at", "proposed_at", "decided_at"),
    "propagation": ("committed_at", "slo_due_at", "accepted_at", "verified_at", "released_at", "sent_at"),
}
_BASE: Final = {"change": "proposed_at", "propagation": "released_at"}
# UUIDs of version 7: milliseconds, then the number of the copy, which makes them unique within a tenant.
_ID: Final = (
    "(lpad(to_hex((extract(epoch FROM w.at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n %% 4096), 3, '0')"
    " || '8' || lpad(to_hex(n), 15, '0'))::uuid"
)
_OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "change": {"id": _ID, "record_key": "'SKU-' || lpad((n %% 1000)::text, 3, '0')", "version": "n"},
    "propagation": {"change_id": _ID, "id": _ID, "record_key": "'SKU-' || lpad((n %% 1000)::text, 3, '0')"},
}


def record_changes(owner: "psycopg.Connection[Any]", tenants: Sequence[UUID], *, like: UUID, each: int) -> int:
    """Changes and their deliveries, `each` per tenant, spread evenly over SPAN; returns the number of rows.

    They are copies of a verified change of the tenant `like`.
    """
    rows = 0
    for table in ("change", "propagation"):
        own = {**_OWN[table], "tenant_id": "t.id"}
        own |= {name: f"x.{name} + (w.at - x.{_BASE[table]})" for name in _TIMES[table]}
        of = "" if table == "change" else "AND state = 'verified'"
        rows += _insert(
            owner, table, own,
            f"(SELECT * FROM {table} WHERE tenant_id = %(like)s AND element = 'price.list' {of} LIMIT 1) x"
            f" CROSS JOIN unnest(%(tenants)s::uuid[]) t(id) CROSS JOIN generate_series(1, %(each)s) n"
            f" CROSS JOIN LATERAL (SELECT now() - n * ({SPAN} / %(each)s) AS at) w",
            {"like": like, "tenants": list(tenants), "each": each},
        )  # fmt: skip
    return rows


def copy_rows(
    owner: "psycopg.Connection[Any]", table: str, tenants: Sequence[UUID], *, like: UUID, condition: str
) -> int:
    """Rows of the tenant `like` that match the condition, for each of the other tenants; returns their number."""
    return _insert(
        owner, table, {"tenant_id": "t.id"},
        f"{table} x CROSS JOIN unnest(%(tenants)s::uuid[]) t(id) WHERE x.tenant_id = %(like)s AND {condition}",
        {"like": like, "tenants": list(tenants)},
    )  # fmt: skip


def _insert(
    owner: "psycopg.Connection[Any]", table: str, own: Mapping[str, str], source: str, binds: Mapping[str, object]
) -> int:
    found = owner.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'", [table]
    ).fetchall()
    columns = [str(name) for (name,) in found]
    chosen = ", ".join(own.get(name, f"x.{name}") for name in columns)
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        done = owner.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {source}", binds)
    return done.rowcount
