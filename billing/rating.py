"""Rating: every usage event onto one line per side, set by set, under the price that held when it occurred."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.errors import HouseIsNotBilled, PeriodClosed
from billing.periods import Period, month_of, services_billed_in
from billing.pricing import Slot, Validity, slots_for
from billing.sides import Side, as_rater
from foundation.database.engine import scope_of
from foundation.scope import Scope


class Rated(msgspec.Struct, frozen=True):
    """What one run put onto lines; 0 events when nothing was left to do."""

    side: Side
    period: Period
    events: int = 0
    quantity: int = 0


class _Tariff(msgspec.Struct, frozen=True):
    """What one invoice may use: its currency, where each price holds, and the line each of these slots is on."""

    keys: dict[str, object]
    invoice_id: UUID
    currency: str
    slots: Sequence[Slot]
    lines: Sequence[UUID]

    @property
    def columns(self) -> dict[str, object]:
        return {
            **self.keys,
            "meters": [slot.meter for slot in self.slots],
            "starts": [slot.start for slot in self.slots],
            "ends": [slot.end for slot in self.slots],
            "lines": list(self.lines),
        }


async def rate_period(session: AsyncSession, *, side: Side, period: Period, now: datetime) -> Rated:
    """Put the client's unrated usage of `period`, and late usage of closed periods, onto its draft invoice.

    Usage without a price stays where it is and is listed by `billing.reconciling`. Rating again does nothing twice.

    Raises:
        PeriodClosed: `period` lies before the end of the last closed one.
        HouseIsNotBilled: the scope is not one client's.
    """
    scope = client_scope(session)
    async with as_rater(session):
        await lock_side(session, side)
        tariff = await _load_tariff(session, scope, side, period)
        if tariff is None:
            return Rated(side, period)
        rated = (await session.execute(_RATE, tariff.columns)).all()
        if rated:
            await _open_draft(session, tariff, period, now)
            await _insert_lines(session, tariff, only={row.line_id for row in rated})
    return Rated(side, period, sum(row.events for row in rated), int(sum(row.quantity for row in rated)))


async def rerate_draft(session: AsyncSession, *, side: Side, period: Period) -> int:
    """Move events of the draft to the lines of the prices that hold now; the number moved.

    Prices in force never change, so this matters after a client was given prices of its own. It moves money between
    lines, never an event onto or off the invoice.

    Raises:
        PeriodClosed: as for `rate_period`.
    """
    scope = client_scope(session)
    async with as_rater(session):
        await lock_side(session, side)
        tariff = await _load_tariff(session, scope, side, period)
        if tariff is None:
            return 0
        await _insert_lines(session, tariff, only=set(tariff.lines))
        return int((await session.execute(_MOVE, tariff.columns)).scalar_one())


async def pending_periods(session: AsyncSession, *, side: Side, now: datetime) -> list[Period]:
    """This month, and every earlier open month with usage that is not on an invoice of this side."""
    scope = client_scope(session)
    async with as_rater(session):
        closed = await _closed_periods(session, scope.tenant_id, side)
        months = await session.scalars(
            text("""
                SELECT DISTINCT date_trunc('month', u.occurred_at, 'UTC') FROM usage_event u
                 WHERE u.tenant_id = :tenant_id AND u.occurred_at >= :open_from AND u.occurred_at < :until
                   AND NOT EXISTS (SELECT 1 FROM rated_usage r WHERE r.tenant_id = :tenant_id AND r.side = :side
                                      AND r.meter = u.meter AND r.usage_id = u.id)
            """),
            {
                "tenant_id": scope.tenant_id, "side": side.value, "until": month_of(now).end,
                "open_from": max((past.end for past in closed), default=datetime.min.replace(tzinfo=now.tzinfo)),
            },
        )  # fmt: skip
    return sorted({month_of(month) for month in months} | {month_of(now)})


def invoice_id_of(client_id: UUID, side: Side, period: Period) -> UUID:
    """Derived, so that two runs at once, or a run after a crash, mean the same invoice."""
    return uuid5(client_id, f"invoice {side} {period.start.timestamp():.6f}")


def client_scope(session: AsyncSession) -> Scope:
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id == scope.msp_id:
        raise HouseIsNotBilled("Usage is rated in one client's own scope, not in the MSP's house.")
    return scope


async def lock_side(session: AsyncSession, side: Side) -> None:
    """One writer per tenant and side until the transaction ends: rating, drafting and closing never interleave."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"billing {scope_of(session).tenant_id} {side}"},
    )


async def _load_tariff(session: AsyncSession, scope: Scope, side: Side, period: Period) -> _Tariff | None:
    closed = await _closed_periods(session, scope.tenant_id, side)
    if closed and period.start < max(past.end for past in closed):
        raise PeriodClosed("This period, or a later one, was closed. Late usage goes to the next open draft.")
    rows = (
        await session.execute(
            text("""
                SELECT b.client_id, b.currency, p.id, p.meter, p.valid_from, p.valid_to
                  FROM price_book b LEFT JOIN price p ON p.tenant_id = b.tenant_id AND p.book_id = b.id
                 WHERE b.tenant_id = :house AND b.side = :side AND (b.client_id IS NULL OR b.client_id = :tenant_id)
            """),
            {"house": scope.msp_id, "side": side.value, "tenant_id": scope.tenant_id},
        )
    ).all()
    if not rows:
        return None
    # A draft keeps the currency it began with; a client's own book decides for new ones.
    invoice_id = invoice_id_of(scope.tenant_id, side, period)
    keys: dict[str, object] = {
        "tenant_id": scope.tenant_id,
        "msp_id": scope.msp_id,
        "side": side.value,
        "invoice_id": invoice_id,
    }
    currency = await session.scalar(
        text("SELECT currency FROM invoice WHERE tenant_id = :tenant_id AND id = :invoice_id"), keys
    ) or next(row.currency for row in sorted(rows, key=lambda row: row.client_id is None))
    prices = [row for row in rows if row.currency == currency and row.id is not None]
    slots = slots_for(
        own=[_validity(row) for row in prices if row.client_id is not None],
        common=[_validity(row) for row in prices if row.client_id is None],
        services=services_billed_in(period, closed),
    )
    return _Tariff(keys, invoice_id, currency, slots, [_line_id(invoice_id, slot) for slot in slots])


def _validity(row: Row[Any]) -> Validity:
    return Validity(row.meter, row.id, row.valid_from, row.valid_to)


async def _closed_periods(session: AsyncSession, tenant_id: UUID, side: Side) -> list[Period]:
    rows = await session.execute(
        text("""
            SELECT period_start, period_end FROM invoice
             WHERE tenant_id = :tenant_id AND side = :side AND state = 'closed' ORDER BY period_start
        """),
        {"tenant_id": tenant_id, "side": side.value},
    )
    return [Period(row.period_start, row.period_end) for row in rows]


_SLOTS = """
    unnest(CAST(:meters AS varchar[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
           CAST(:lines AS uuid[])) AS s (meter, starts, ends, line_id)
"""
_RATE = text(f"""
    WITH rated AS (
        INSERT INTO rated_usage (tenant_id, msp_id, side, meter, usage_id, invoice_id, line_id, quantity, occurred_at)
        SELECT :tenant_id, :msp_id, CAST(:side AS varchar), u.meter, u.id, :invoice_id, s.line_id, u.quantity,
               u.occurred_at
          FROM {_SLOTS} JOIN usage_event u ON u.meter = s.meter AND u.occurred_at >= s.starts AND u.occurred_at < s.ends
         WHERE u.tenant_id = :tenant_id
           AND NOT EXISTS (SELECT 1 FROM rated_usage r WHERE r.tenant_id = :tenant_id
                              AND r.side = CAST(:side AS varchar) AND r.meter = u.meter AND r.usage_id = u.id)
        ON CONFLICT (tenant_id, side, meter, usage_id) DO NOTHING
        RETURNING line_id, quantity
    )
    SELECT line_id, count(*) AS events, sum(quantity) AS quantity FROM rated GROUP BY line_id
""")
_MOVE = text(f"""
    WITH moved AS (
        UPDATE rated_usage r SET line_id = s.line_id FROM {_SLOTS}
         WHERE r.tenant_id = :tenant_id AND r.side = :side AND r.invoice_id = :invoice_id
           AND r.meter = s.meter AND r.occurred_at >= s.starts AND r.occurred_at < s.ends AND r.line_id <> s.line_id
        RETURNING 1
    )
    SELECT count(*) FROM moved
""")


async def _open_draft(session: AsyncSession, tariff: _Tariff, period: Period, now: datetime) -> None:
    await session.execute(
        text("""
            INSERT INTO invoice (tenant_id, msp_id, id, side, client_id, period_start, period_end, currency,
                                 created_at, updated_at)
            VALUES (:tenant_id, :msp_id, :invoice_id, :side, :tenant_id, :start, :end, :currency, :now, :now)
            ON CONFLICT (tenant_id, id) DO NOTHING
        """),
        {**tariff.keys, "start": period.start, "end": period.end, "currency": tariff.currency, "now": now},
    )


async def _insert_lines(session: AsyncSession, tariff: _Tariff, *, only: set[UUID]) -> None:
    """Empty lines, to be filled by `billing.drafting`, which also removes those that stay empty."""
    wanted = {line: slot for line, slot in zip(tariff.lines, tariff.slots, strict=True) if line in only}
    await session.execute(
        text("""
            INSERT INTO invoice_line (tenant_id, msp_id, id, side, invoice_id, client_id, meter, description, price_id,
                                      service_start, unit_price, tiers)
            SELECT :tenant_id, :msp_id, n.id, :side, i.id, :tenant_id, p.meter, p.description, p.id, n.service_start,
                   p.unit_price, p.tiers
              FROM unnest(CAST(:ids AS uuid[]), CAST(:prices AS uuid[]), CAST(:services AS timestamptz[]))
                   AS n (id, price_id, service_start)
              JOIN price p ON p.tenant_id = :msp_id AND p.id = n.price_id
              JOIN invoice i ON i.tenant_id = :tenant_id AND i.id = :invoice_id
            ON CONFLICT (tenant_id, id) DO NOTHING
        """),
        {
            **tariff.keys,
            "ids": list(wanted),
            "prices": [slot.price_id for slot in wanted.values()],
            "services": [slot.allowance_from for slot in wanted.values()],
        },
    )


def _line_id(invoice_id: UUID, slot: Slot) -> UUID:
    return uuid5(invoice_id, f"{slot.price_id} {slot.allowance_from.timestamp():.6f}")
