"""Set-based rating: every usage event onto one line per side, at the price in force when it occurred.

Events are rated with their roll-up, so that the cost is that of the roll-ups; and one by one where a price begins or
ends within it.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import EPOCH, Period, month_of
from billing.rating.attribution import EVENTS_OF_ROLLUP
from billing.rating.levels import carried_lines
from billing.rating.tariffs import (
    Tariff,
    client_scope,
    invoice_id_of,
    load_tariff,
    lock_side,
    open_draft,
    open_services,
    unrated_months,
)
from billing.sides import Side, as_rater
from foundation.relations import USAGE_EVENTS, USAGE_ROLLUPS


class Rated(msgspec.Struct, frozen=True):
    """Result of one run; 0 events when nothing was left to do. Reversals are counted as events. `carried`: new lines
    of levels without events.
    """

    side: Side
    period: Period
    events: int = 0
    quantity: Decimal = Decimal(0)
    carried: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether the draft is to be computed again."""
        return bool(self.events or self.carried)


async def rate_period(
    session: AsyncSession, *, side: Side, period: Period, now: datetime, since: datetime = EPOCH
) -> Rated:
    """Assign the client's unrated usage of `period`, and late usage of closed periods, to its draft invoice.

    Usage before `since` is ignored. Usage without a price stays unrated and is listed by
    `billing.reconciliation.queries`. Idempotent.

    Raises:
        PeriodClosed: `period` is before the end of the last closed one.
        MspAccountNotBilled: the scope is not one client's.
    """
    scope = client_scope(session)
    async with as_rater(session):
        await lock_side(session, side)
        services, unrated = await open_services(session, scope, side, period, since=since)
        tariff = await load_tariff(session, scope, side, period, unrated)
        rated: Sequence[Row[Any]] = ()
        if tariff is not None and tariff.slots:
            binds = {**tariff.columns, "since": since}
            rated = [row for step in (_RATE_ROLLUPS, _RATE_ROWS) for row in await session.execute(step, binds)]
            if rated:
                await open_draft(session, tariff.keys, tariff.currency, period, now)
                await _insert_lines(session, tariff, only={row.line_id for row in rated})
        carried = 0
        if (levels := await carried_lines(session, scope, side, period, services)) is not None:
            await open_draft(session, levels[0].keys, levels[0].currency, period, now)
            carried = await _insert_lines(session, levels[0], only=levels[1])
    quantity = sum((row.quantity for row in rated), Decimal(0))
    return Rated(side, period, sum(row.events for row in rated), quantity, carried)


async def rerate_draft(session: AsyncSession, *, side: Side, period: Period) -> int:
    """Move events of the draft to the lines of the prices now in force. Returns the number moved.

    Prices in force never change, so this matters after a client was given its own prices. Money moves between lines,
    but no event onto or off the invoice.

    Raises:
        PeriodClosed: as for `rate_period`.
    """
    scope = client_scope(session)
    async with as_rater(session):
        await lock_side(session, side)
        services, _ = await open_services(session, scope, side, period)
        keys = {"tenant_id": scope.tenant_id, "invoice_id": invoice_id_of(scope.tenant_id, side, period)}
        billed = set(await session.scalars(_ALLOWANCES, keys))
        used = [service for service in services if service.allowance_from in billed]
        tariff = await load_tariff(session, scope, side, period, used)
        if tariff is None or not tariff.slots:
            return 0
        await _insert_lines(session, tariff, only=set(tariff.lines))
        await session.execute(_SPLIT, tariff.columns)
        moved = [(await session.execute(step, tariff.columns)).scalar_one() for step in (_MOVE_ROLLUPS, _MOVE_ROWS)]
        return sum(moved)


async def pending_periods(session: AsyncSession, *, side: Side, now: datetime, since: datetime = EPOCH) -> list[Period]:
    """The current month, and every earlier open month with usage since `since` that is not on an invoice of this
    side.
    """
    scope = client_scope(session)
    async with as_rater(session):
        months = await unrated_months(session, scope, side, since=since)
    this = month_of(now)
    return [*(month for month in months if month < this), this]


_SLOTS = """
    unnest(CAST(:meters AS varchar[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
           CAST(:lines AS uuid[])) AS s (meter, starts, ends, line_id)
"""
_ROLLUP = "meter, recording_id, hour, rows, events, quantity, first_at, last_at, first_id, last_id"
# Usage on a line already conflicts with the key and is skipped, at one look-up each with any query plan.
# A roll-up that is not within one slot gets no line: its events are rated by `_RATE_ROWS`.
_RATE_ROLLUPS = text(f"""
    WITH rated AS (
        INSERT INTO rated_rollup (tenant_id, msp_id, side, invoice_id, line_id, {_ROLLUP})
        SELECT :tenant_id, :msp_id, :side, :invoice_id,
               CASE WHEN u.first_at >= s.starts AND u.last_at < s.ends THEN s.line_id END,
               {", ".join(f"u.{name}" for name in _ROLLUP.split(", "))}
          FROM {_SLOTS}
          JOIN {USAGE_ROLLUPS} u ON u.meter = s.meter AND u.last_at >= s.starts AND u.first_at < s.ends
         WHERE u.tenant_id = :tenant_id AND u.last_at >= :since
        ON CONFLICT (tenant_id, side, meter, recording_id, hour) DO NOTHING
        RETURNING line_id, rows, quantity
    )
    SELECT line_id, sum(rows)::bigint AS events, sum(quantity) AS quantity FROM rated
     WHERE line_id IS NOT NULL GROUP BY line_id
""")
_RATE_ROWS = text(f"""
    WITH rated AS (
        INSERT INTO rated_usage (tenant_id, msp_id, side, meter, usage_id, invoice_id, line_id, quantity, occurred_at,
                                 is_reversal)
        SELECT c.tenant_id, c.msp_id, c.side, u.meter, u.id, :invoice_id, s.line_id, u.quantity, u.occurred_at,
               u.is_reversal
          FROM {_SLOTS}
          JOIN rated_rollup c ON c.meter = s.meter AND c.last_at >= s.starts AND c.first_at < s.ends
          JOIN {USAGE_EVENTS} u ON {EVENTS_OF_ROLLUP} AND u.occurred_at >= s.starts AND u.occurred_at < s.ends
         WHERE c.tenant_id = :tenant_id AND c.side = :side AND c.line_id IS NULL AND u.occurred_at >= :since
        ON CONFLICT (tenant_id, side, meter, usage_id) DO NOTHING
        RETURNING line_id, quantity
    )
    SELECT line_id, count(*) AS events, sum(quantity) AS quantity FROM rated GROUP BY line_id
""")
_ALLOWANCES = text("""
    SELECT DISTINCT service_start FROM invoice_line
     WHERE tenant_id = :tenant_id AND invoice_id = :invoice_id AND kind = 'usage'
""")
# Where a slot of the prices now in force ends within a roll-up, its events are rated one by one from now on.
_SPLIT = text(f"""
    WITH part AS (
        SELECT c.* FROM rated_rollup c
         WHERE c.tenant_id = :tenant_id AND c.side = :side AND c.invoice_id = :invoice_id AND c.line_id IS NOT NULL
           AND EXISTS (SELECT 1 FROM {_SLOTS} WHERE s.meter = c.meter AND c.last_at >= s.starts AND c.first_at < s.ends
                          AND NOT (c.first_at >= s.starts AND c.last_at < s.ends))
    ), entered AS (
        INSERT INTO rated_usage (tenant_id, msp_id, side, meter, usage_id, invoice_id, line_id, quantity, occurred_at,
                                 is_reversal)
        SELECT c.tenant_id, c.msp_id, c.side, c.meter, u.id, c.invoice_id, c.line_id, u.quantity, u.occurred_at,
               u.is_reversal
          FROM part c JOIN {USAGE_EVENTS} u ON {EVENTS_OF_ROLLUP}
    )
    UPDATE rated_rollup r SET line_id = NULL FROM part c
     WHERE r.tenant_id = :tenant_id AND r.side = :side AND r.meter = c.meter AND r.recording_id = c.recording_id
       AND r.hour = c.hour
""")
_MOVE_ROLLUPS = text(f"""
    WITH moved AS (
        UPDATE rated_rollup r SET line_id = s.line_id FROM {_SLOTS}
         WHERE r.tenant_id = :tenant_id AND r.side = :side AND r.invoice_id = :invoice_id
           AND r.meter = s.meter AND r.first_at >= s.starts AND r.last_at < s.ends AND r.line_id <> s.line_id
        RETURNING r.rows
    )
    SELECT coalesce(sum(rows), 0)::bigint FROM moved
""")
_MOVE_ROWS = text(f"""
    WITH moved AS (
        UPDATE rated_usage r SET line_id = s.line_id FROM {_SLOTS}
         WHERE r.tenant_id = :tenant_id AND r.side = :side AND r.invoice_id = :invoice_id
           AND r.meter = s.meter AND r.occurred_at >= s.starts AND r.occurred_at < s.ends AND r.line_id <> s.line_id
        RETURNING 1
    )
    SELECT count(*) FROM moved
""")


async def _insert_lines(session: AsyncSession, tariff: Tariff, *, only: set[UUID]) -> int:
    """Insert empty lines, to be filled by `billing.invoices.draft`, which also removes those that stay empty. Returns
    the number of new ones.
    """
    wanted = {line: slot for line, slot in zip(tariff.lines, tariff.slots, strict=True) if line in only}
    made = await session.execute(
        text("""
            INSERT INTO invoice_line (tenant_id, msp_id, id, side, invoice_id, client_id, meter, description, price_id,
                                      service_start, unit_price, tiers, terms)
            SELECT :tenant_id, :msp_id, n.id, :side, i.id, :tenant_id, p.meter, p.description, p.id, n.service_start,
                   p.unit_price, p.tiers, p.terms
              FROM unnest(CAST(:ids AS uuid[]), CAST(:prices AS uuid[]), CAST(:services AS timestamptz[]))
                   AS n (id, price_id, service_start)
              JOIN price p ON p.tenant_id = :msp_id AND p.id = n.price_id
              JOIN invoice i ON i.tenant_id = :tenant_id AND i.id = :invoice_id
            ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
        """),
        {
            **tariff.keys,
            "ids": list(wanted),
            "prices": [slot.price_id for slot in wanted.values()],
            "services": [slot.allowance_from for slot in wanted.values()],
        },
    )
    return len(made.all())
