"""Hold of a new client's values: none from its sources is decided before its starting values are.

A baseline compares the systems as they are. Values decided one by one before it would have no earlier value to be
compared with, and would be sent to channels before anybody has looked at them.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.codes import LabelledCode
from foundation.database.engine import scope_of
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.types import NoPayload
from foundation.marks import N_
from governance.job_types import OBSERVATIONS_LANE, RELEASE_OBSERVATIONS


class HoldEnd(LabelledCode):
    """Reason for the end of a hold."""

    BASELINE = "baseline", N_("Baseline accepted")
    SKIPPED = "skipped", N_("Baseline skipped")
    LIVE = "live", N_("The client is live")


IS_HOLDING: Final = "EXISTS (SELECT 1 FROM value_hold w WHERE w.tenant_id = :t AND w.ended_at IS NULL)"
"""As SQL: the values of tenant :t are held, also those that a contract selects."""


async def begin_hold(session: AsyncSession, *, now: datetime) -> None:
    """Hold the values of the scope's client, which is new."""
    scope = scope_of(session)
    await session.execute(
        text("INSERT INTO value_hold (tenant_id, msp_id, began_at) VALUES (:t, :m, :now)"),
        {"t": scope.tenant_id, "m": scope.msp_id, "now": now},
    )


async def is_holding(session: AsyncSession) -> bool:
    return bool(await session.scalar(text(f"SELECT {IS_HOLDING}"), {"t": scope_of(session).tenant_id}))


async def end_hold(session: AsyncSession, ended_for: HoldEnd, *, now: datetime) -> bool:
    """End the hold of the scope's client, and enqueue the release of the held observations. Returns whether there was a
    hold.
    """
    scope = scope_of(session)
    ended = await session.scalar(
        text("""
            UPDATE value_hold SET ended_at = :now, ended_by = :by, ended_for = :ended_for
             WHERE tenant_id = :t AND ended_at IS NULL RETURNING tenant_id
        """),
        {"t": scope.tenant_id, "now": now, "by": scope.actor.name, "ended_for": str(ended_for)},
    )
    if ended is None:
        return False
    enqueue(session, [release_job()])
    return True


def release_job() -> NewJob[NoPayload]:
    return NewJob(OBSERVATIONS_LANE, RELEASE_OBSERVATIONS, RELEASE_OBSERVATIONS.name)
