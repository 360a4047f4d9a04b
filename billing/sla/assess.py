"""Record of a month's attainment, made once by the room of deliveries. Published to rooms above."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period
from billing.sla.states import SlaState
from billing.sla.terms import SlaBand, credit_of
from foundation.database.engine import scope_of
from foundation.ids import NewId

MOST_NAMED: Final = 50
"""Breaches listed on a credit and its line, beside their total number."""
_STEP: Final = Decimal("0.001")


class Breach(msgspec.Struct, frozen=True):
    """A late delivery of a change to a connection: its due time, and the time of its read-back, if any."""

    change_id: UUID
    connection_id: UUID
    due_at: datetime
    verified_at: datetime | None


class Attainment(msgspec.Struct, frozen=True):
    """A month's deliveries that count, and the late ones: how many, and the first `MOST_NAMED`."""

    month: Period
    deliveries: int
    late: int
    breaches: Sequence[Breach]

    @property
    def percent(self) -> Decimal:
        """Rounded down, so that a target is never met by rounding. 100 without deliveries."""
        if not self.deliveries:
            return Decimal(100)
        share = Decimal(100) * (self.deliveries - self.late) / self.deliveries
        return share.quantize(_STEP, ROUND_FLOOR)


async def is_attainment_wanted(session: AsyncSession, month: Period) -> bool:
    """Whether the client has terms for the month and no attainment of it, in the client's scope."""
    keys = {"tenant": scope_of(session).tenant_id, "month": month.start.date()}
    return bool(await session.scalar(_WANTED, keys))


async def record_attainment(session: AsyncSession, found: Attainment, *, now: datetime, new_id: NewId) -> None:
    """Record an attainment with the credit that follows from the client's terms, in the client's scope. Idempotent."""
    scope = scope_of(session)
    keys: dict[str, Any] = {"tenant": scope.tenant_id, "month": found.month.start.date()}
    row = (await session.execute(_TERMS, keys)).one_or_none()
    if row is None:
        return
    attained = found.percent
    credit, target = credit_of(msgspec.convert(row.bands, list[SlaBand], strict=False), row.most_pct, attained)
    breaches = msgspec.json.encode(list(found.breaches[:MOST_NAMED])).decode()
    await session.execute(
        _RECORD,
        {
            **keys, "msp": scope.msp_id, "id": new_id(), "deliveries": found.deliveries, "late": found.late,
            "breaches": breaches, "attained": attained, "target": target, "credit": credit,
            "state": (SlaState.PROPOSED if credit else SlaState.MET).value, "now": now,
        },
    )  # fmt: skip


_WANTED = text("""
    SELECT 1 FROM sla_terms t WHERE t.tenant_id = :tenant AND t.from_month <= :month AND jsonb_array_length(t.bands) > 0
       AND NOT EXISTS (SELECT 1 FROM sla_credit c WHERE c.tenant_id = :tenant AND c.month = :month)
""")
_TERMS = text("SELECT bands, most_pct FROM sla_terms WHERE tenant_id = :tenant AND from_month <= :month")
_RECORD = text("""
    INSERT INTO sla_credit (tenant_id, msp_id, id, month, deliveries, late, breaches, attained_pct, target_pct,
                            credit_pct, state, measured_at)
    VALUES (:tenant, :msp, :id, :month, :deliveries, :late, CAST(:breaches AS jsonb), :attained, :target, :credit,
            :state, :now)
    ON CONFLICT (tenant_id, month) DO NOTHING
""")
