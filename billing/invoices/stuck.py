"""Accepted usage that is not billed: without a price, or not rated in time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import month_before, month_of
from billing.reconciliation.queries import reconcile
from foundation.database.engine import scope_of
from foundation.errors import Forbidden
from foundation.marks import N_

STUCK_AFTER: Final = timedelta(days=3)
"""Usage of the last two days is rated within the hour, older usage once a day."""


class StuckUsage(msgspec.Struct, frozen=True):
    """A client's events of one meter and month that are on no retail line. `unpriced` have no price, since
    `unpriced_since`; `waiting` have one, but no run has rated them, since `waiting_since`.
    """

    client_id: UUID
    meter: str
    month: datetime
    unpriced: int
    unpriced_since: datetime | None
    waiting: int
    waiting_since: datetime | None


async def list_stuck_usage(session: AsyncSession, now: datetime) -> Sequence[StuckUsage]:
    """List stuck usage of this month and the one before, in a fleet scope; also of clients without a draft.

    Raises:
        Forbidden: the scope is not a fleet's.
    """
    if not scope_of(session).fleet:
        raise Forbidden(N_("Month close is for the MSP's own members only."))
    this = month_of(now)
    found = []
    for period in (month_before(now), this):
        for one in (await reconcile(session, period=period)).meters:
            side = one.retail
            is_late = side.oldest_waiting is not None and side.oldest_waiting < now - STUCK_AFTER
            if side.unattributed or is_late:
                found.append(
                    StuckUsage(
                        one.client_id, one.meter, period.start, side.unattributed, side.oldest_unattributed,
                        side.waiting if is_late else 0, side.oldest_waiting if is_late else None,
                    )
                )  # fmt: skip
    return found
