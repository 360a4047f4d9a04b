"""Simulation of a price book's draft prices on one month's usage, by the rules of rating. Reads only.

The month is cut where any price begins or ends, and usage is summed once per client, meter and part; the rest is
arithmetic. All usage that occurred in the month counts, also late usage on a later invoice.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.periods import Period, Service
from billing.price_books.books import PriceBookView
from billing.price_books.cells import check_cells_meter
from billing.price_books.pricing import Terms, charge
from billing.price_books.repository import PriceRow
from billing.price_books.selection import PriceSelection, select_prices
from billing.price_books.slots import Slot, Validity, slots_for
from billing.pricing.charges import DimensionUsage
from billing.pricing.rules import BillingRules
from billing.sides import Side
from billing.simulation.aggregates import CellParts, level_clients, measure_cells, measure_prices
from billing.simulation.drafts import drafted_terms
from billing.simulation.schemas import ClientSimulation, MeterSimulation, PriceDraft, Simulation
from billing.usage.counting import SUMMED, Counting, MeterAggregation
from billing.usage.meters import load_countings
from foundation.database.engine import scope_of
from foundation.ids import NewId
from foundation.relations import USAGE_EVENTS, USAGE_ROLLUPS


class _Use(NamedTuple):
    """Usage of one client and meter in the part of the month that begins at `start`."""

    start: datetime
    events: int
    quantity: Decimal


class _Book(msgspec.Struct, frozen=True):
    client_id: UUID | None
    currency: str
    rules: BillingRules


class _Prices(msgspec.Struct, frozen=True):
    """Prices of one side: validities by book, and terms with rules by price."""

    by_book: Mapping[UUID, Sequence[Validity]]
    terms: Mapping[UUID, tuple[Terms, BillingRules]]


class _Cost(NamedTuple):
    minor: int
    unpriced: int
    quantity: Decimal


Usage = dict[UUID, dict[str, list[_Use]]]
"""Usage by client and meter."""


async def simulate(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    book: PriceBookView,
    draft: PriceDraft,
    *,
    period: Period,
    client_id: UUID | None,
    now: datetime,
    new_id: NewId,
) -> Simulation:
    """The month's usage of the book's clients, or of one, by the prices that applied and by the draft. In a fleet
    scope.

    Raises:
        PriceNotAllowed: a draft price.
    """
    books = await _load_books(session, book.side)
    only = book.client_id or client_id
    of_month = PriceSelection(side=book.side, client_id=only, start=period.start, end=period.end)
    rows = await select_prices(session, of_month)
    old = _prices_of(rows, books)
    current = await select_prices(session, PriceSelection(book_id=book.id, start=now, end=now))
    drafted = drafted_terms(draft, current)
    for meter, terms in draft.terms.items():
        await check_cells_meter(session, meter, terms.cells)
    new = _with_draft(old, book, drafted, period, new_id)
    usage = await _load_usage(session, _bounds(rows, period), period, only)
    countings = await load_countings(session)
    for client, meter in await level_clients(session, countings, period, only):
        usage.setdefault(client, {}).setdefault(meter, [])
    month = _Month(usage, books, countings, period)
    sides = [
        (prices, await _measured(session, month, prices), await _in_cells(session, month, prices))
        for prices in (old, new)
    ]
    meters: dict[str, list[int | Decimal]] = defaultdict(lambda: [Decimal(0), 0, 0])
    clients: list[ClientSimulation] = []
    left_out = unpriced = 0
    for client, used in usage.items():
        mine = _books_of(client, books)
        if not mine or books[mine[0]].currency != book.currency:
            left_out += 1
            continue
        before = after = 0
        for meter, uses in used.items():
            costs = [
                _cost(meter, uses, _slots(meter, mine, prices, period), prices, book.currency, found)
                for prices, found in (_of_client(client, meter, countings, *side) for side in sides)
            ]
            row = meters[meter]
            meters[meter] = [row[0] + costs[0].quantity, row[1] + costs[0].minor, row[2] + costs[1].minor]
            before, after, unpriced = before + costs[0].minor, after + costs[1].minor, unpriced + costs[1].unpriced
        clients.append(ClientSimulation(before, after, client_id=client, difference=after - before))
    return _result(book, period, meters, clients, left_out, unpriced)


def _result(  # noqa: PLR0913, PLR0917 - the parts of one result
    book: PriceBookView,
    period: Period,
    meters: Mapping[str, Sequence[Any]],
    clients: Sequence[ClientSimulation],
    left_out: int,
    unpriced: int,
) -> Simulation:
    by_meter = [
        MeterSimulation(old, new, meter=meter, quantity=quantity, difference=new - old)
        for meter, (quantity, old, new) in sorted(meters.items())
    ]
    old, new = sum(one.old_minor for one in clients), sum(one.new_minor for one in clients)
    return Simulation(
        old, new, period_start=period.start, period_end=period.end, currency=book.currency, difference=new - old,
        by_meter=by_meter,
        by_client=sorted(clients, key=lambda one: (-abs(one.difference), one.client_id)),
        clients_left_out=left_out, unpriced_events=unpriced,
    )  # fmt: skip


async def _load_books(session: AsyncSession, side: Side) -> Mapping[UUID, _Book]:
    rows = await session.execute(
        text("SELECT id, client_id, currency, rules FROM price_book WHERE tenant_id = :msp_id AND side = :side"),
        {"msp_id": scope_of(session).msp_id, "side": side.value},
    )
    return {row.id: _Book(row.client_id, row.currency, msgspec.convert(row.rules, BillingRules)) for row in rows}


async def _load_usage(
    session: AsyncSession, bounds: Sequence[datetime], period: Period, client_id: UUID | None
) -> Usage:
    """Load usage from the roll-ups; in hours in which a price begins or ends, from the events."""
    rows = await session.execute(
        text(f"""
            SELECT u.tenant_id, u.meter, width_bucket(u.at, CAST(:bounds AS timestamptz[])) AS part,
                   sum(u.events)::bigint AS events, sum(u.quantity) AS quantity
              FROM (SELECT tenant_id, msp_id, meter, hour AS at, events, quantity FROM {USAGE_ROLLUPS} r
                     WHERE hour >= :start AND hour < :end AND NOT hour = ANY (CAST(:hours AS timestamptz[]))
                     UNION ALL
                    SELECT e.tenant_id, e.msp_id, e.meter, e.occurred_at, CASE WHEN e.is_reversal THEN -1 ELSE 1 END,
                           e.quantity
                      FROM unnest(CAST(:hours AS timestamptz[])) AS h (hour)
                      JOIN {USAGE_EVENTS} e ON e.occurred_at >= h.hour AND e.occurred_at < h.hour + interval '1 hour') u
             WHERE u.msp_id = :msp_id
               AND (CAST(:client_id AS uuid) IS NULL OR u.tenant_id = CAST(:client_id AS uuid))
             GROUP BY u.tenant_id, u.meter, part ORDER BY u.tenant_id, u.meter, part
        """),
        {
            "msp_id": scope_of(session).msp_id, "bounds": list(bounds), "start": period.start, "end": period.end,
            "client_id": client_id, "hours": sorted({_hour_of(one) for one in bounds if one != _hour_of(one)}),
        },
    )  # fmt: skip
    found: Usage = {}
    for row in rows:
        use = _Use(bounds[row.part - 1], row.events, row.quantity)
        found.setdefault(row.tenant_id, {}).setdefault(row.meter, []).append(use)
    return found


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _bounds(rows: Iterable[PriceRow], period: Period) -> Sequence[datetime]:
    moments = {moment for row in rows for moment in (row.valid_from, row.valid_to) if moment is not None}
    return [period.start, *sorted(moment for moment in moments if period.start < moment < period.end)]


def _prices_of(rows: Iterable[PriceRow], books: Mapping[UUID, _Book]) -> _Prices:
    by_book: dict[UUID, list[Validity]] = defaultdict(list)
    terms: dict[UUID, tuple[Terms, BillingRules]] = {}
    for row in rows:
        by_book[row.book_id].append(Validity(row.meter, row.id, row.valid_from, row.valid_to))
        terms[row.id] = row.terms, books[row.book_id].rules
    return _Prices(by_book, terms)


def _with_draft(
    prices: _Prices, book: PriceBookView, drafted: Mapping[str, Terms], period: Period, new_id: NewId
) -> _Prices:
    ids = {meter: new_id() for meter in drafted}
    kept = [one for one in prices.by_book.get(book.id, ()) if one.meter not in drafted]
    added = [Validity(meter, price_id, period.start, None) for meter, price_id in ids.items()]
    terms = {price_id: (drafted[meter], book.rules) for meter, price_id in ids.items()}
    return _Prices({**prices.by_book, book.id: [*kept, *added]}, {**prices.terms, **terms})


def _books_of(client_id: UUID, books: Mapping[UUID, _Book]) -> Sequence[UUID]:
    """The client's own book, whose currency decides, and the common one if it has the same currency."""
    own = [key for key, book in books.items() if book.client_id == client_id]
    common = [key for key, book in books.items() if book.client_id is None]
    return [*own, *(key for key in common if not own or books[key].currency == books[own[0]].currency)]


class _Month(msgspec.Struct, frozen=True):
    """The month's usage, to which each set of prices is applied."""

    usage: Usage
    books: Mapping[UUID, _Book]
    countings: Mapping[str, Counting]
    period: Period

    def slots(self, prices: _Prices, meters: Container[str]) -> Iterator[tuple[UUID, str, Sequence[Slot]]]:
        """Slots of each client that has a book, for each of `meters` that it used."""
        for client, used in self.usage.items():
            if mine := _books_of(client, self.books):
                yield from ((client, one, _slots(one, mine, prices, self.period)) for one in used if one in meters)


async def _measured(session: AsyncSession, month: _Month, prices: _Prices) -> Mapping[tuple[UUID, UUID], Decimal]:
    """Quantities by client and price of the meters that do not add up."""
    meters = {meter for meter, counting in month.countings.items() if not counting.is_additive}
    return await measure_prices(session, month.countings, list(month.slots(prices, meters)), month.period)


async def _in_cells(session: AsyncSession, month: _Month, prices: _Prices) -> CellParts:
    """Usage by cell of prices by dimension, by client and price."""
    cells = {price: terms.cells for price, (terms, _) in prices.terms.items() if terms.cells}
    meters = {one.meter for all_ in prices.by_book.values() for one in all_ if one.price_id in cells}
    wanted = [
        (client, meter, slot)
        for client, meter, slots in month.slots(prices, meters)
        for slot in slots
        if slot.price_id in cells
    ]
    return await measure_cells(session, month.countings, wanted, cells)


def _slots(meter: str, mine: Sequence[UUID], prices: _Prices, period: Period) -> Sequence[Slot]:
    layers = [[one for one in prices.by_book.get(key, ()) if one.meter == meter] for key in mine]
    own, common = (layers[0], layers[1]) if len(layers) == 2 else ([], layers[0])
    return slots_for(own, common, [Service(period.start, period.end, period.start)])


class _Rule(NamedTuple):
    """Counting of a client's meter, its quantities by price if it does not add up, and its usage by cell."""

    counting: Counting
    measured: Mapping[UUID, Decimal]
    parts: Mapping[UUID, Sequence[DimensionUsage]]


def _of_client(  # noqa: PLR0913, PLR0917 - one client of one price set
    client: UUID,
    meter: str,
    countings: Mapping[str, Counting],
    prices: _Prices,
    measured: Mapping[tuple[UUID, UUID], Decimal],
    parts: CellParts,
) -> tuple[_Prices, _Rule]:
    own = {price: quantity for (one, price), quantity in measured.items() if one == client}
    cells = {price: found for (one, price), found in parts.items() if one == client}
    return prices, _Rule(countings.get(meter, SUMMED), own, cells)


def _cost(  # noqa: PLR0913, PLR0917 - one client's meter, by one price set
    meter: str, uses: Sequence[_Use], slots: Sequence[Slot], prices: _Prices, currency: str, rule: _Rule
) -> _Cost:
    """Charges of rating for the meter's usage of the month: one line per price, each rounded once."""
    minor, priced, before, events = 0, 0, Decimal(0), 0
    by_price: dict[UUID, _Use] = {}
    for slot in slots:
        sofar = by_price.setdefault(slot.price_id, _Use(slot.start, 0, Decimal(0)))
        for use in uses:
            if slot.start <= use.start < slot.end:
                sofar = _Use(sofar.start, sofar.events + use.events, sofar.quantity + use.quantity)
        by_price[slot.price_id] = sofar
    began = {one.price_id: one.start for all_ in prices.by_book.values() for one in all_ if one.meter == meter}
    for price_id, use in sorted(by_price.items(), key=lambda found: (began[found[0]], found[0])):  # as drafts do
        quantity = _quantity(price_id, use, rule)
        counted = use.events or int(events == 0 and quantity != 0)  # a level that was not reported again
        if not counted:
            continue
        terms, rules = prices.terms[price_id]
        minor += charge(
            terms, before=before, quantity=quantity, currency=currency, events=counted, events_before=events,
            rules=rules, parts=rule.parts.get(price_id, ()),
        ).amount_minor  # fmt: skip
        before, events, priced = before + quantity, events + counted, priced + use.events
    if rule.counting.is_additive:
        before = sum((_added(use, rule.counting) for use in uses), Decimal(0))
    return _Cost(minor, sum(use.events for use in uses) - priced, before)


def _quantity(price_id: UUID, use: _Use, rule: _Rule) -> Decimal:
    return _added(use, rule.counting) if rule.counting.is_additive else rule.measured.get(price_id, Decimal(0))


def _added(use: _Use, counting: Counting) -> Decimal:
    return Decimal(use.events) if counting.aggregation is MeterAggregation.COUNT else use.quantity
