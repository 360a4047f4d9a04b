"""SQL of policies, holds and the deletion log; and the lookup of rows that must be kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.sides import as_rater
from foundation.database.engine import scope_of
from foundation.ids import NewId, id_floor
from foundation.relations import AUDIT_ENTRIES
from foundation.retention import CHAIN, DataClass, RetainedTable
from governance.retention.rules import ClientRules, Hold, RetentionLimit

BATCH: Final = 20_000
LOCK: Final = "fairlead retention"
"""A purge locks exclusively, placing a hold locks shared: once a hold is placed, no purge of its data runs."""


@dataclass(frozen=True, slots=True)
class Pins:
    """Keys of single rows to keep, and the lowest key (in the chain: the number) from which all rows are kept."""

    keys: Sequence[UUID] = ()
    floor: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One client's rows of one class, and the rules for them."""

    tenant_id: UUID
    msp_id: UUID
    data_class: DataClass
    rules: ClientRules
    pins: Pins = field(default_factory=Pins)

    def condition(self, table: RetainedTable, limit: RetentionLimit) -> str:
        """Deletable rows, as SQL over the table's columns; `binds` has its parameters."""
        parts = ["tenant_id = :t", f"({table.closed})"]
        if table.key:
            parts.append(f"{table.key} < :before")
        if table.name == CHAIN and self.pins.floor is not None:
            parts.append("seq < :floor")
        elif self.pins.floor is not None:
            parts.append(f"{table.key} < CAST(:floor AS uuid)")
        if self.pins.keys:
            parts.append(f"NOT ({table.key} = ANY (CAST(:kept AS uuid[])))")
        if table.element and limit.elements:
            parts.append(f"{table.element} = ANY (CAST(:elements AS varchar[]))")
        if table.element and limit.other_than:
            parts.append(f"({table.element} IS NULL OR NOT ({table.element} = ANY (CAST(:other AS varchar[]))))")
        if table.record and self.rules.held_records(self.data_class):
            parts.append(f"({table.record} IS NULL OR NOT ({table.record} = ANY (CAST(:held AS varchar[]))))")
        return " AND ".join(parts)

    def binds(self, table: RetainedTable, limit: RetentionLimit) -> dict[str, Any]:
        return {
            "t": self.tenant_id,
            "before": limit.before if table.by_time else id_floor(limit.before),
            "before_at": limit.before,
            "floor": self.pins.floor,
            "kept": list(self.pins.keys),
            "elements": list(limit.elements),
            "other": list(limit.other_than),
            "held": self.rules.held_records(self.data_class),
        }


async def has_rows(session: AsyncSession, case: Case, table: RetainedTable, limit: RetentionLimit) -> bool:
    """Whether the table has rows that the limit allows to delete."""
    found = await session.scalar(
        text(f"SELECT EXISTS (SELECT 1 FROM {table.name} WHERE {case.condition(table, limit)})"),
        case.binds(table, limit),
    )
    return bool(found)


async def load_rules(session: AsyncSession, tenant_id: UUID, msp_id: UUID) -> ClientRules:
    """Load the rules, in the client's scope or as the owner."""
    policies = await session.execute(
        text("SELECT data_class, element, keep_days FROM retention_policy WHERE tenant_id = :t"), {"t": tenant_id}
    )
    holds = await session.execute(
        text("SELECT data_class, record_key FROM legal_hold WHERE tenant_id = :t AND released_at IS NULL"),
        {"t": tenant_id},
    )
    by_key = {(row.data_class, row.element): row.keep_days for row in policies}
    held = [Hold(row.data_class, row.record_key) for row in holds]
    return ClientRules(by_key, held, await load_defaults(session, msp_id))


async def load_defaults(session: AsyncSession, msp_id: UUID) -> dict[str, int]:
    """The MSP's defaults by class. In the scope of one of its accounts only this statement can read them."""
    async with session.begin_nested():
        await session.execute(text("SELECT set_config('app.retention', 'rules', true)"))
        rows = await session.execute(
            text("SELECT data_class, keep_days FROM retention_default WHERE msp_id = :m"), {"m": msp_id}
        )
        found = {row.data_class: row.keep_days for row in rows}
        await session.execute(text("SELECT set_config('app.retention', '', true)"))
    return found


async def load_retained(session: AsyncSession, data_class: DataClass, before: datetime) -> Pins:
    """Look up the rows to keep among those made before `before`, in the client's scope."""
    scope = scope_of(session)
    binds: dict[str, Any] = {"t": scope.tenant_id, "m": scope.msp_id, "before": id_floor(before)}
    if data_class.tables[0].name == CHAIN:
        floor = await session.scalar(
            text(f"SELECT min(seq) FROM {AUDIT_ENTRIES} a WHERE tenant_id = :t AND at >= :at"),
            {"t": binds["t"], "at": before},
        )
        return Pins(floor=floor)
    keys: set[UUID] = set()
    for pin in data_class.pins:
        keys.update(key for key in await session.scalars(text(pin), binds) if key is not None)
    floors: list[UUID] = []
    if data_class.floors:
        async with as_rater(session):
            found = [await session.scalar(text(floor), binds) for floor in data_class.floors]
        floors = [floor for floor in found if floor is not None]
    return Pins(sorted(keys), min(floors, default=None))


@dataclass(frozen=True, slots=True)
class Removal:
    """Numbers of rows made before `before` that were deleted and kept. `partition` is the dropped one."""

    table: str
    before: datetime
    removed: int
    kept: int = 0
    partition: str = ""


async def log_purge(session: AsyncSession, case: Case, gone: Removal, *, now: datetime, new_id: NewId) -> None:
    await session.execute(
        text("""
            INSERT INTO retention_purge (tenant_id, msp_id, id, data_class, table_name, before, removed, kept,
                                         partition, purged_at)
            VALUES (:t, :m, :id, :data_class, :table, :before, :removed, :kept, :partition, :now)
        """),
        {
            "t": case.tenant_id, "m": case.msp_id, "id": new_id(), "data_class": case.data_class.name,
            "table": gone.table, "before": gone.before, "removed": gone.removed, "kept": gone.kept,
            "partition": gone.partition, "now": now,
        },
    )  # fmt: skip
