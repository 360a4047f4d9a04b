"""A year of clients through the use cases and the database: subscriptions with upgrades, usage, closed months, and
payments that fail and arrive after reminders. `YEAR_CLIENTS=200` runs as many clients as `test_year`, which has no
database.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from billing.invoices.advance import advance_invoices
from billing.invoices.draft import close_period
from billing.invoices.settle import InvoiceAct, NewPayment, act_on_invoice, record_payment
from billing.legal_entities.repository import set_billing_details
from billing.legal_entities.schemas import BillingDetailsInput
from billing.periods import Period, month_of
from billing.sides import Side
from billing.subscriptions.acts import add_step, subscribe
from billing.subscriptions.charges import fees_of
from billing.subscriptions.schemas import StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind
from billing.subscriptions.views import load_subscription
from foundation.ids import new_id
from tests.billing.conftest import Market, uses
from tests.billing.invoices.test_lifecycle import ADDRESS, enter
from tests.billing.subscriptions.samples import RULES, at, total
from tests.billing.subscriptions.test_drafts import offer

CLIENTS = int(os.environ.get("YEAR_CLIENTS", "3"))
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")
PLANS = ("small", "large")
INCLUDED, UNIT_PRICE = 5, 10
"""Included units, and unit price in minor units, of the fixture's price for usage."""


@dataclass
class Customer:
    """A client with its total charged usage."""

    market: Market
    number: int
    subscription: UUID
    upgraded: bool = False
    used_minor: int = 0
    unpaid: list[UUID] = field(default_factory=list)


async def test_a_year_of_invoices_is_charged_and_paid_to_the_cent(priced: Market) -> None:
    await enter(priced)
    for code, fee in (("small", "9.99"), ("large", "120.05")):
        await offer(priced, code, fee, seat_price=Decimal("2.345"))
    customers = [await begin(priced, number) for number in range(CLIENTS)]
    for number in range(1, 13):
        month = month_of(at(2028, number, 1))
        for one in customers:
            await use_and_upgrade(one, month)
            await bill(one, month)
    for one in customers:
        await check(one)
    async with priced.as_staff() as session:
        numbers = (await session.execute(text("SELECT number FROM issued_invoice WHERE side = 'retail'"))).scalars()
        given = Counter(numbers)
        causes = Counter((await session.execute(text("SELECT cause FROM invoice_step"))).scalars())
    years = {2028: 11 * CLIENTS, 2029: CLIENTS}  # December is issued in the next year
    assert given == Counter(f"R-{year}-{one:03}" for year, last in years.items() for one in range(1, last + 1))
    assert min(causes[cause] for cause in ("due_day", "reminder")) >= 3 * CLIENTS
    stranger = Market(priced.db, priced.msp_account, priced.another_client().client)
    assert await read(stranger, "SELECT count(*) FROM invoice") == [(0,)]


async def begin(priced: Market, number: int) -> Customer:
    market = priced.another_client()
    market.now = at(2028, 1, 1, 12)
    details = BillingDetailsInput(name=f"Client {number}", **ADDRESS)
    new = SubscriptionInput(plan="small", quantity=number % 7, starts_on=date(2028, 1, 1 + number % 28))
    async with market.as_client() as session:
        await set_billing_details(session, details, payer_id=None, now=market.now)
        one = await subscribe(session, ZONES[number % 3], new, now=market.now, new_id=new_id)
    return Customer(market, number, one)


async def use_and_upgrade(one: Customer, month: Period) -> None:
    """Record usage of the month, and every fourth month another plan or number of seats."""
    quantity = (one.number * 7 + month.start.month) % 23 + 1
    await one.market.use(*uses(1, at=month.start + timedelta(days=27), quantity=quantity))
    one.used_minor += max(0, quantity - INCLUDED) * UNIT_PRICE
    if (one.number + month.start.month) % 4 == 0 and month.start.month > 1:
        one.upgraded = not one.upgraded
        wanted = StepInput(kind=StepKind.CHANGE, plan=PLANS[one.upgraded], quantity=month.start.month)
        one.market.now = month.start + timedelta(days=13, hours=5, seconds=one.number)
        async with one.market.as_client() as session:
            await add_step(session, one.subscription, wanted, now=one.market.now, new_id=new_id)


async def bill(one: Customer, month: Period) -> None:
    """Close and send the month. The payment arrives at once, is returned by the bank, or arrives after reminders; an
    overdue invoice of the month before is paid in two parts.
    """
    now = month.end + timedelta(days=3, seconds=one.number)
    async with one.market.as_client() as session:
        await advance_invoices(session, now, new_id=new_id)
        for invoice_id in one.unpaid:
            assert await pay(session, invoice_id, now, part=True) == "overdue"
            assert await pay(session, invoice_id, now) == "overdue"
        closed = await close_period(session, side=Side.RETAIL, period=month, now=now)
        await act_on_invoice(session, closed.id, InvoiceAct.SEND, now=now, new_id=new_id)
        fails = (one.number + month.start.month) % 3
        one.unpaid = [closed.id] if fails and closed.total_minor > 0 else []
        if fails != 2 and closed.total_minor > 0:
            await pay(session, closed.id, now)
        if fails == 1 and closed.total_minor > 0:
            await pay(session, closed.id, now, back=True)


async def pay(session: Any, invoice_id: UUID, now: datetime, *, part: bool = False, back: bool = False) -> str:
    """Pay a third or the rest, or return all payments. Returns the earlier state."""
    row = (
        await session.execute(
            text("""
                SELECT i.state, x.gross_minor - i.paid_minor AS due, i.paid_minor FROM invoice i
                  JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id WHERE i.id = :id
            """),
            {"id": invoice_id},
        )
    ).one()
    amount = -row.paid_minor if back else row.due // 3 if part else row.due
    await record_payment(session, invoice_id, NewPayment(amount_minor=amount), now=now, new_id=new_id)
    return str(row.state)


async def check(one: Customer) -> None:
    """Check fees by the timeline and usage by its months, and that all months but December are paid with tax."""
    async with one.market.as_client() as session:
        subscription = (await load_subscription(session, one.subscription)).subscribed
    due = fees_of(subscription, at(2029, 1, 2), RULES)
    fees = total([fee for fee in due if fee.month <= at(2028, 12, 1)])
    [(net, tax, gross, paid)] = await read(
        one.market,
        """
        SELECT sum(x.net_minor), sum(x.tax_minor), sum(x.gross_minor), sum(i.paid_minor) FROM issued_invoice x
          JOIN invoice i ON i.tenant_id = x.tenant_id AND i.id = x.invoice_id WHERE x.side = 'retail'
        """,
    )
    assert net == fees + one.used_minor, one.number
    assert gross == net + tax
    assert abs(tax - net * Decimal("0.19")) <= 6
    open_ = await read(
        one.market,
        """
        SELECT i.period_start, x.gross_minor - i.paid_minor FROM invoice i
          JOIN issued_invoice x ON x.tenant_id = i.tenant_id AND x.invoice_id = i.id
         WHERE i.side = 'retail' AND i.state <> 'paid'
        """,
    )
    assert [month for month, _ in open_] in ([], [at(2028, 12, 1)])
    assert gross - paid == sum(left for _, left in open_)
    assert await read(one.market, "SELECT sum(amount_minor) FROM invoice_payment WHERE side = 'retail'") == [(paid,)]


async def read(market: Market, sql: str) -> Sequence[Any]:
    async with market.as_client() as session:
        return [tuple(row) for row in await session.execute(text(sql))]
