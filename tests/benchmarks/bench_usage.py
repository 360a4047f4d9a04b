"""Cost of reported usage and of rating, compared with PostgreSQL's own cost for the same rows.

`FAIRLEAD_BENCH_USAGE` names the sizes of the months to rate, such as 1000000,10000000.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import text

from billing.invoices.draft import draft_invoice
from billing.invoices.line_events import list_line_events
from billing.invoices.lists import LINE_EVENTS
from billing.periods import Period, month_before
from billing.price_books.books import find_price_book
from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, NewPriceBook, create_price_book, set_price
from billing.rating.rate_usage import rate_period
from billing.reconciliation.queries import reconcile
from billing.sides import Side
from billing.simulation.schemas import PriceDraft
from billing.simulation.simulate import simulate
from billing.usage.meters import create_meter
from billing.usage.report import report_usage
from billing.usage.schemas import MOST_EVENTS, NewMeter, UsageEventInput
from controlplane.provisioning import onboard_client, onboard_msp
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from foundation.usage.meters import Meters
from tests.benchmarks.rig import Rig, running_rig
from tests.benchmarks.table import Row, at_least, at_most

BATCHES = 10
SIZES = tuple(int(one) for one in os.environ.get("FAIRLEAD_BENCH_USAGE", "100000,1000000").split(","))
EXTRAPOLATED = 100_000_000
TOGETHER = 1_000
"""Events that one statement records, as in a report of the size that is allowed."""
CLIENTS, PER_CLIENT = 10, 10_000
SINGLE = 20_000
"""Events that are recorded one by one."""
METER = "traffic"
_QUANTITY = Decimal("1.5")
_BARE = """
    CREATE TABLE bare_usage (tenant_id uuid, msp_id uuid, id uuid, meter text, source text, event_id text,
                             quantity numeric, occurred_at timestamptz, dimensions jsonb, PRIMARY KEY (tenant_id, id))
"""
_FILL = """
    INSERT INTO usage_event (tenant_id, msp_id, meter, id, recording_id, quantity, occurred_at)
    SELECT %(t)s, %(m)s, %(meter)s,
           CAST(lpad(to_hex(CAST(extract(epoch FROM at) * 1000 AS bigint)), 12, '0') || '7'
                || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15) AS uuid),
           CAST(md5(CAST(%(t)s AS text) || n / %(together)s) AS uuid), 1, at
      FROM generate_series(1, %(count)s) AS n,
           LATERAL (SELECT %(start)s + (n %% 2500000) * interval '1 second' AS at) AS moment
"""
_ROLL_UP = """
    INSERT INTO usage_rollup (tenant_id, msp_id, meter, recording_id, hour, rows, events, quantity, first_at, last_at,
                              first_id, last_id)
    SELECT tenant_id, msp_id, meter, recording_id, date_trunc('hour', occurred_at, 'UTC'), count(*), count(*),
           sum(quantity), min(occurred_at), max(occurred_at), CAST(min(CAST(id AS text)) AS uuid),
           CAST(max(CAST(id AS text)) AS uuid)
      FROM usage_event WHERE tenant_id = %(t)s GROUP BY 1, 2, 3, 4, 5
"""
_AGGREGATE = """
    SELECT meter, count(*), sum(quantity) FROM usage_event
     WHERE tenant_id = %(t)s AND occurred_at >= %(start)s AND occurred_at < %(end)s GROUP BY meter
"""


def run() -> list[Row]:
    with running_rig() as rig:
        return rig.run(lambda services: _measure(rig, services))


async def _measure(rig: Rig, services: Services) -> list[Row]:
    scope, book_id, period = await _prepare(services)
    rated: list[Rating] = []
    with psycopg.connect(rig.database, autocommit=True) as owner:
        rows = [await _ingest(services, scope, owner)]
        warm = await _client(services, scope.msp_id, 2)
        await _month(services, owner, warm, period, TOGETHER)
        for count in SIZES:
            client = await _client(services, scope.msp_id, count)
            rated.append(await _month(services, owner, client, period, count))
        single = await _client(services, scope.msp_id, 1)
        alone = await _month(services, owner, single, period, SINGLE, together=1)
        parallel = await _together(services, owner, scope, period)
    rows += [
        Row(
            f"rating {one.events:,} events into an invoice ÷ the bare aggregate of the rows",
            f"{one.rate / one.bare:.3f} ({one.rate:.2f} / {one.bare:.2f} s)", at_most(2, one.rate / one.bare),
        )
        for one in rated
    ]  # fmt: skip
    rows.append(
        Row(f"… {SINGLE:,} events that were recorded one by one", f"{alone.rate / alone.bare:.1f} ({alone.rate:.2f} s)")
    )
    growth = (rated[-1].rate / rated[-1].events) / (rated[0].rate / rated[0].events)
    rows.append(Row(f"rating an event, {SIZES[-1]:,} ÷ {SIZES[0]:,} events", f"{growth:.2f}", at_most(1.2, growth)))
    rows += [_fit(rated), parallel]
    whole = scope.for_tenant(scope.msp_id).for_fleet()
    times = [await _simulate(services, whole, book_id, client.tenant_id, period) for _ in range(5)]
    rows.append(Row(f"simulation of a month of {SIZES[-1]:,} events", f"{statistics.median(times):.3f} s"))
    began = time.perf_counter()
    async with services.db.transaction(whole) as session:
        await reconcile(session, period=period)
    rows.append(Row("reconciliation of all these months, event by event", f"{time.perf_counter() - began:.1f} s"))
    rows.append(Row("first page of that line's events", f"{await _open_line(services, client):.3f} s"))
    return rows


class Rating(NamedTuple):
    """Seconds to rate and draft a month of so many events, and of the bare aggregate."""

    events: int
    rate: float
    bare: float


async def _month(  # noqa: PLR0917 - one month of one client
    services: Services, owner: "psycopg.Connection[Any]", client: Scope, period: Period, count: int,
    together: int = TOGETHER,
) -> Rating:  # fmt: skip
    keys = {"t": client.tenant_id, "m": client.msp_id, "meter": METER, "count": count, "start": period.start,
            "end": period.end, "together": together}  # fmt: skip
    owner.execute(_FILL, keys)
    owner.execute(_ROLL_UP, keys)
    owner.execute("VACUUM ANALYZE usage_event, usage_rollup")
    return Rating(count, await _rate(services, client, period), _bare_aggregate(owner, keys))


async def _together(services: Services, owner: "psycopg.Connection[Any]", scope: Scope, period: Period) -> Row:
    clients = [await _client(services, scope.msp_id, 100 + number) for number in range(CLIENTS)]
    alone = 0.0
    for client in clients:
        alone += (await _month(services, owner, client, period, PER_CLIENT)).rate
    began = time.perf_counter()
    await asyncio.gather(*(_rate(services, client, period, Side.WHOLESALE) for client in clients))
    at_once = time.perf_counter() - began
    return Row(
        f"rating {CLIENTS} clients at once ÷ one by one", f"{at_once / alone:.2f} ({at_once:.2f} / {alone:.2f} s)"
    )


def _fit(rated: Sequence[Rating]) -> Row:
    """The line through the smallest and the largest month, at a hundred million events."""
    first, last = rated[0], rated[-1]
    slope = (last.rate - first.rate) / max(last.events - first.events, 1)
    seconds = first.rate + slope * (EXTRAPOLATED - first.events)
    return Row(
        f"rating {EXTRAPOLATED:,} events, extrapolated",
        f"{seconds:.0f} s ({first.rate - slope * first.events:.2f} s + {slope * 1e6:.3f} µs an event)",
    )


async def _simulate(services: Services, fleet: Scope, book_id: UUID, client_id: UUID, period: Period) -> float:
    began = time.perf_counter()
    async with services.db.transaction(fleet) as session:
        book = await find_price_book(session, book_id)
        await simulate(session, book, PriceDraft({}, Decimal(5)), period=period, client_id=client_id, now=utc_now(),
                       new_id=new_id)  # fmt: skip
    return time.perf_counter() - began


async def _open_line(services: Services, client: Scope) -> float:
    async with services.db.transaction(client) as session:
        line_id = await session.scalar(text("SELECT id FROM invoice_line LIMIT 1"))
    began = time.perf_counter()
    async with services.db.transaction(client) as session:
        page = await list_line_events(session, LINE_EVENTS.query(limit=100).inside({"line_id": line_id}), utc_now())
    if len(page.items) != 100:
        raise RuntimeError("the line does not open to its events")
    return time.perf_counter() - began


async def _prepare(services: Services) -> tuple[Scope, UUID, Period]:
    account = await onboard_msp(services, name="Usage", slug="usage")
    scope = await _client(services, account.msp_id, 0)
    now = utc_now()
    period = month_before(now)
    async with services.db.transaction(account) as session:
        await create_meter(session, Meters([]), NewMeter(METER, "Traffic", "GB"), now=now)
        for side in (Side.WHOLESALE, Side.RETAIL):
            book = NewPriceBook(side=side, currency="USD", name="Standard")
            book_id = await create_price_book(session, book, now=now, new_id=new_id)
            price = NewPrice(
                meter=METER,
                description="Traffic",
                terms=Terms(Decimal("0.01")),
                valid_from=datetime(2020, 1, 1, tzinfo=UTC),
            )
            await set_price(session, book_id, price=price, now=now, new_id=new_id)
    return scope, book_id, period


async def _client(services: Services, msp_id: UUID, number: int) -> Scope:
    account = Scope(msp_id=msp_id, tenant_id=msp_id, actor=Actor.system("bench"))
    return await onboard_client(services, account, name=f"Client {number}", slug=f"client-{number}", currency="USD")


async def _ingest(services: Services, scope: Scope, owner: "psycopg.Connection[Any]") -> Row:
    now = utc_now()
    batches = [
        [UsageEventInput(id=f"{batch}-{n}", meter=METER, occurred_at=now - timedelta(seconds=n), quantity=_QUANTITY,
                         dimensions={"region": "eu"}) for n in range(MOST_EVENTS)]
        for batch in range(BATCHES)
    ]  # fmt: skip
    began = time.perf_counter()
    for batch in batches:
        async with services.db.transaction(scope) as session:
            await report_usage(session, "bench", batch, now=now, new_id=new_id)
    ours = time.perf_counter() - began
    owner.execute(_BARE)
    began = time.perf_counter()
    for batch in batches:
        _copy(owner, scope, batch)
    bare = time.perf_counter() - began
    count = BATCHES * MOST_EVENTS
    return Row(
        "usage events in ÷ COPY and insert of the rows alone: rate",
        f"{bare / ours:.2f} ({count / ours:,.0f} / {count / bare:,.0f} per s)", at_least(0.5, bare / ours),
    )  # fmt: skip


def _copy(owner: "psycopg.Connection[Any]", scope: Scope, batch: Sequence[UsageEventInput]) -> None:
    lines = StringIO()
    for one in batch:
        lines.write(
            f"{scope.tenant_id}\t{scope.msp_id}\t{new_id()}\t{one.meter}\tbench\t{one.id}\t{one.quantity}\t"
            f'{one.occurred_at.isoformat()}\t{{"region":"eu"}}\n'
        )
    with owner.transaction():
        owner.execute("CREATE TEMP TABLE batch (LIKE bare_usage) ON COMMIT DROP")
        with owner.cursor().copy("COPY batch FROM STDIN") as copy:
            copy.write(lines.getvalue())
        owner.execute("INSERT INTO bare_usage SELECT * FROM batch ON CONFLICT DO NOTHING")


async def _rate(services: Services, client: Scope, period: Period, side: Side = Side.RETAIL) -> float:
    began = time.perf_counter()
    async with services.db.transaction(client) as session:
        rated = await rate_period(session, side=side, period=period, now=utc_now())
        draft = await draft_invoice(session, side=side, period=period, now=utc_now())
    if draft is None or not rated.events:
        raise RuntimeError("nothing was rated")
    return time.perf_counter() - began


def _bare_aggregate(owner: "psycopg.Connection[Any]", keys: dict[str, Any]) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        owner.execute(_AGGREGATE, keys).fetchall()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
