"""Time that a person needs to answer an approval: an estimate from the times of past answers.

The begin of work on an approval is not recorded. A short interval between two answers of one person is taken as work on
the second approval; longer intervals are ignored. Several answers at one time, as from the list, share the interval
before them.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from policy.relations import APPROVALS
from policy.states import ApprovalState

SITTING: Final = timedelta(minutes=30)
"""Longest interval between two answers that is taken as work."""
LEAST: Final = 5
"""Fewest intervals for a median."""
ASSUMED: Final = timedelta(minutes=2)
"""Time per approval with fewer intervals than LEAST."""
_NEWEST: Final = 500
_ANSWERED: Final = (ApprovalState.GRANTED, ApprovalState.USED, ApprovalState.REFUSED)


class HandlingTime(msgspec.Struct, frozen=True):
    """`is_measured`: the median of the account's own answers, not the assumption."""

    each: timedelta = ASSUMED
    is_measured: bool = False

    def minutes(self, approvals: float) -> float:
        """Minutes of reviewers for so many approvals."""
        return round(approvals * self.each.total_seconds() / 60, 1)


def estimate_handling(answers: Iterable[tuple[str, datetime]]) -> HandlingTime:
    """Estimate from `answers`: the person and the time of each."""
    at_once = Counter(answers)
    seconds = [
        (later - earlier).total_seconds() / at_once[by, later]
        for (who, earlier), (by, later) in pairwise(sorted(at_once))
        if who == by and later - earlier <= SITTING
    ]
    if len(seconds) < LEAST:
        return HandlingTime()
    return HandlingTime(timedelta(seconds=median(seconds)), is_measured=True)


async def read_handling_time(session: AsyncSession) -> HandlingTime:
    """Estimate from the newest approvals of the scope's account."""
    rows = await session.execute(
        text(f"""
            SELECT a.decided_by, a.decided_at FROM unnest(CAST(:states AS varchar[])) AS s (state)
             CROSS JOIN LATERAL (SELECT decided_by, decided_at FROM {APPROVALS} o
                                  WHERE o.tenant_id = :t AND o.state = s.state
                                  ORDER BY o.created_at DESC LIMIT :newest) a
             WHERE a.decided_by IS NOT NULL AND a.decided_at IS NOT NULL
        """),
        {"t": scope_of(session).tenant_id, "states": [one.value for one in _ANSWERED], "newest": _NEWEST},
    )
    return estimate_handling((row.decided_by, row.decided_at) for row in rows)
