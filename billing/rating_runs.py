"""Times of the last and the next rating: a total on a page needs its time."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of


class RatingTimes(msgspec.Struct, frozen=True):
    """Times of one client; of several, those of the client rated longest ago. `clients` is the number of rated ones."""

    rated_at: datetime | None
    next_at: datetime | None
    clients: int

    def upcoming(self, now: datetime) -> datetime | None:
        """The next rating; None if it is due now, or nothing was rated yet."""
        return self.next_at if self.next_at is not None and self.next_at > now else None


async def record_rating(session: AsyncSession, *, now: datetime, next_at: datetime) -> None:
    """Record a rating, in a client's scope."""
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO rating_run (tenant_id, msp_id, rated_at, next_at) VALUES (:t, :m, :now, :next)
            ON CONFLICT (tenant_id) DO UPDATE SET rated_at = excluded.rated_at, next_at = excluded.next_at
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "now": now, "next": next_at},
    )


async def read_rating(session: AsyncSession, clients: Sequence[object] = ()) -> RatingTimes:
    """Rating times: in a client's scope its own; in a fleet scope those of all the MSP's clients, or of `clients`."""
    scope = scope_of(session)
    row = (
        await session.execute(
            text(f"""
                SELECT min(rated_at) AS rated_at, min(next_at) AS next_at, count(*) AS clients FROM rating_run
                 WHERE {"msp_id = :m" if scope.fleet else "tenant_id = :t"}
                   AND (NOT CAST(:some AS boolean) OR tenant_id = ANY (:clients))
            """),
            {
                **({"m": scope.msp_id} if scope.fleet else {"t": scope.tenant_id}),
                "some": bool(clients),
                "clients": list(clients),
            },
        )
    ).one()
    return RatingTimes(row.rated_at, row.next_at, row.clients)
