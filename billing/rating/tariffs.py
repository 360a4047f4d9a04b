"""Input of an invoice: usage not on a line yet, validity of each price, and the lines' ids.

Roll-ups and their rated parts are compared by counts rather than joined: row-level security hides the tables' sizes
from the planner, and a join then becomes a nested loop over every pair. A roll-up's events are of one hour, so of one
service.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.errors import MspAccountNotBilled, PeriodClosed
from billing.periods import EPOCH, Period, Service, month_of, services_billed_in
from billing.price_books.slots import Slot, Validity, slots_for
from billing.sides import Side
from billing.states import FIXED
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.marks import N_
from foundation.relations import USAGE_ROLLUPS
from foundation.scope import Scope
from foundation.state_machine import in_sql


class Tariff(msgspec.Struct, frozen=True):
    """Input of one invoice: its currency, the slots of its prices, and the line of each slot."""

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


def invoice_id_of(client_id: UUID, side: Side, period: Period) -> UUID:
    """Derived id, so that concurrent runs, or a run after a crash, use the same invoice."""
    return uuid5(client_id, f"invoice {side} {period.start.timestamp():.6f}")


def client_scope(session: AsyncSession) -> Scope:
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id == scope.msp_id:
        raise MspAccountNotBilled(N_("Usage is rated for one client at a time, not in the MSP's account."))
    return scope


async def lock_side(session: AsyncSession, side: Side) -> None:
    """One writer per tenant and side until the transaction ends: rating, drafting and closing never interleave."""
    await lock(session, f"billing {scope_of(session).tenant_id} {side}")


async def open_services(
    session: AsyncSession, scope: Scope, side: Side, period: Period, *, since: datetime = EPOCH
) -> tuple[list[Service], list[Service]]:
    """All services that an invoice of `period` may bill, and those of them with unrated usage since then.

    Raises:
        PeriodClosed: `period` is before the end of the last closed one.
    """
    closed = await closed_periods(session, scope, side)
    if closed and period.start < max(past.end for past in closed):
        raise PeriodClosed(N_("This period, or a later one, was closed. Late usage goes to the next open draft."))
    services = services_billed_in(period, closed)
    bounds = sorted({service.start for service in services} | {service.end for service in services})
    found = await session.scalars(
        text(_UNRATED.format(window="width_bucket(occurred_at, CAST(:bounds AS timestamptz[]))")),
        {"tenant_id": scope.tenant_id, "side": side.value, "bounds": bounds, "since": since},
    )
    unrated = {bounds[number - 1] for number in found if number}
    return services, [service for service in services if service.start in unrated]


async def unrated_months(session: AsyncSession, scope: Scope, side: Side, *, since: datetime) -> list[Period]:
    """Open months with usage since then that is not on a line of this side."""
    closed = await closed_periods(session, scope, side)
    found = await session.scalars(
        text(_UNRATED.format(window="date_trunc('month', occurred_at, 'UTC')")),
        {"tenant_id": scope.tenant_id, "side": side.value, "since": since},
    )
    open_from = max((past.end for past in closed), default=EPOCH)
    return sorted(month for month in map(month_of, found) if month.start >= open_from)


_UNRATED = f"""
    SELECT n FROM (
        SELECT {{window}} AS n, rows AS more
          FROM (SELECT last_at AS occurred_at, rows FROM {USAGE_ROLLUPS} u
                 WHERE tenant_id = :tenant_id AND last_at >= :since
                 UNION ALL
                SELECT last_at, -rows FROM rated_rollup
                 WHERE tenant_id = :tenant_id AND side = :side AND last_at >= :since AND line_id IS NOT NULL) part
        UNION ALL
        SELECT {{window}}, -1 FROM rated_usage
         WHERE tenant_id = :tenant_id AND side = :side AND occurred_at >= :since) entry
     GROUP BY n HAVING sum(more) > 0
"""


async def load_tariff(
    session: AsyncSession, scope: Scope, side: Side, period: Period, services: Collection[Service]
) -> Tariff | None:
    """Load the tariff; None if the MSP has no price book for this side."""
    rows = (
        await session.execute(
            text("""
                SELECT b.client_id, b.currency, p.id, p.meter, p.valid_from, p.valid_to
                  FROM price_book b LEFT JOIN price p ON p.tenant_id = b.tenant_id AND p.book_id = b.id
                 WHERE b.tenant_id = :msp_id AND b.side = :side AND (b.client_id IS NULL OR b.client_id = :tenant_id)
            """),
            {"msp_id": scope.msp_id, "side": side.value, "tenant_id": scope.tenant_id},
        )
    ).all()
    if not rows:
        return None
    invoice_id = invoice_id_of(scope.tenant_id, side, period)
    keys = draft_keys(scope, side, period)
    currency = await find_draft_currency(session, scope, side, period)
    if currency is None:
        return None
    prices = [row for row in rows if row.currency == currency and row.id is not None]
    slots = slots_for(
        own=[_validity(row) for row in prices if row.client_id is not None],
        common=[_validity(row) for row in prices if row.client_id is None],
        services=list(services),
    )
    return Tariff(keys, invoice_id, currency, slots, [_line_id(invoice_id, slot) for slot in slots])


def _validity(row: Row[Any]) -> Validity:
    return Validity(row.meter, row.id, row.valid_from, row.valid_to)


def draft_keys(scope: Scope, side: Side, period: Period) -> dict[str, object]:
    """The values that identify the client's draft in a statement."""
    return {
        "tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "side": side.value,
        "invoice_id": invoice_id_of(scope.tenant_id, side, period),
    }  # fmt: skip


async def find_draft_currency(session: AsyncSession, scope: Scope, side: Side, period: Period) -> str | None:
    """Currency of the draft: its initial one, or for a new draft that of the client's own book, else the common one;
    None without a book.
    """
    found = await session.scalar(
        text("""
            SELECT coalesce(
              (SELECT currency FROM invoice WHERE tenant_id = :tenant_id AND id = :invoice_id),
              (SELECT currency FROM price_book WHERE tenant_id = :msp_id AND side = :side
                  AND (client_id IS NULL OR client_id = :tenant_id) ORDER BY client_id IS NULL LIMIT 1))
        """),
        draft_keys(scope, side, period),
    )
    return None if found is None else str(found)


async def open_draft(
    session: AsyncSession, keys: dict[str, object], currency: str, period: Period, now: datetime
) -> None:
    """Make the draft of `draft_keys` if there is none."""
    await session.execute(
        text("""
            INSERT INTO invoice (tenant_id, msp_id, id, side, client_id, period_start, period_end, currency,
                                 created_at, updated_at)
            VALUES (:tenant_id, :msp_id, :invoice_id, :side, :tenant_id, :start, :end, :currency, :now, :now)
            ON CONFLICT (tenant_id, id) DO NOTHING
        """),
        {**keys, "start": period.start, "end": period.end, "currency": currency, "now": now},
    )


async def closed_periods(session: AsyncSession, scope: Scope, side: Side) -> list[Period]:
    rows = await session.execute(
        text(f"""
            SELECT period_start, period_end FROM invoice
             WHERE tenant_id = :tenant_id AND side = :side AND state IN ({in_sql(FIXED)}) ORDER BY period_start
        """),
        {"tenant_id": scope.tenant_id, "side": side.value},
    )
    return [Period(row.period_start, row.period_end) for row in rows]


def _line_id(invoice_id: UUID, slot: Slot) -> UUID:
    return uuid5(invoice_id, f"{slot.price_id} {slot.allowance_from.timestamp():.6f}")
