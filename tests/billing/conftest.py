"""Fixtures: an MSP with price books, and clients with usage."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.draft import DraftInvoice, draft_invoice
from billing.invoices.line_events import list_line_events
from billing.invoices.lists import INVOICES, LINE_EVENTS
from billing.invoices.repository import list_invoices
from billing.periods import Period, month_of
from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, NewPriceBook, create_price_book, set_price
from billing.pricing.tiers import PriceTier
from billing.rating.rate_usage import rate_period
from billing.schemas import InvoiceSummary, UsageRow
from billing.sides import Side
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from foundation.usage.ledger import Usage, record_usage
from foundation.web.pagination import ResultPage
from tests.conftest import make_scope

START = datetime(2026, 3, 1, tzinfo=UTC)
MARCH = month_of(START)
APRIL = month_of(MARCH.end)
METER = "sync.change"
FIX_DRAFTS = """
    INSERT INTO issued_invoice (tenant_id, msp_id, invoice_id, side, issued_on, net_minor, tax_minor, gross_minor,
                                content_hash, snapshot, snapshot_hash)
    SELECT tenant_id, msp_id, id, side, period_end::date, total_minor, 0, total_minor, content_hash, '{}', ''
      FROM invoice WHERE state = 'draft'
"""
"""Rows that must be stored before a draft's state becomes finalised."""


@dataclass
class Market:
    """One MSP with one client, and a clock that the test controls."""

    db: Database
    msp_account: Scope
    client: Scope
    now: datetime = START
    books: dict[tuple[Side, UUID | None], UUID] = field(default_factory=dict)

    def another_client(self) -> "Market":
        client = make_scope(msp_id=self.msp_account.msp_id)
        return Market(self.db, self.msp_account, client, self.now, self.books)

    @asynccontextmanager
    async def as_client(self) -> AsyncIterator[AsyncSession]:
        async with self.db.transaction(self.client) as session:
            yield session

    @asynccontextmanager
    async def as_msp_account(self) -> AsyncIterator[AsyncSession]:
        async with self.db.transaction(self.msp_account) as session:
            yield session

    @asynccontextmanager
    async def as_staff(self) -> AsyncIterator[AsyncSession]:
        async with self.db.transaction(self.msp_account.for_fleet()) as session:
            yield session

    async def open_book(self, side: Side, currency: str = "EUR", *, own: bool = False) -> UUID:
        client_id = self.client.tenant_id if own else None
        book = NewPriceBook(side=side, currency=currency, name=f"{side} prices", client_id=client_id)
        async with self.as_msp_account() as session:
            book_id = await create_price_book(session, book, now=self.now, new_id=new_id)
        self.books[side, client_id] = book_id
        return book_id

    async def price(
        self,
        side: Side,
        unit_price: str,
        *,
        at: datetime = START,
        included: int = 0,
        tiers: Sequence[PriceTier] = (),
        meter: str = METER,
        own: bool = False,
    ) -> UUID:
        terms = Terms(Decimal(unit_price), Decimal(included), tuple(tiers))
        price = NewPrice(meter=meter, description=f"Use of {meter}", terms=terms, valid_from=at)
        book_id = self.books[side, self.client.tenant_id if own else None]
        async with self.as_msp_account() as session:
            return await set_price(session, book_id, price=price, now=self.now, new_id=new_id)

    async def use(self, *uses: Usage) -> None:
        async with self.as_client() as session:
            record_usage(session, uses)

    async def rate(self, side: Side, period: Period = MARCH) -> DraftInvoice | None:
        async with self.as_client() as session:
            await rate_period(session, side=side, period=period, now=self.now)
            return await draft_invoice(session, side=side, period=period, now=self.now)


async def listed(session: AsyncSession, **filters: str) -> Sequence[InvoiceSummary]:
    """The first page of invoices."""
    return (await list_invoices(session, INVOICES.parse(filters).require())).items


async def events_of(
    session: AsyncSession, line_id: UUID, *, cursor: str = "", limit: int = 500
) -> ResultPage[UsageRow]:
    query = LINE_EVENTS.query(cursor=cursor, limit=limit).inside({"line_id": line_id})
    return await list_line_events(session, query, START)


def uses(count: int, *, at: datetime = START, quantity: int = 1, meter: str = METER) -> list[Usage]:
    return [Usage(meter, new_id(), quantity, at + timedelta(seconds=second)) for second in range(count)]


@pytest.fixture
def market(db: Database) -> Market:
    msp_id = new_id()
    msp_account = make_scope(msp_id=msp_id, tenant_id=msp_id, name="Mia of the MSP")
    return Market(db, msp_account, make_scope(msp_id=msp_id, name="Cleo of the client"))


@pytest.fixture
async def priced(market: Market) -> Market:
    """Prices: wholesale 0.03, retail 0.10 with 5 included units."""
    await market.open_book(Side.WHOLESALE)
    await market.open_book(Side.RETAIL)
    await market.price(Side.WHOLESALE, "0.03")
    await market.price(Side.RETAIL, "0.10", included=5)
    return market
