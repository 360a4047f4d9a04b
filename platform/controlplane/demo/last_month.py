"""Last month of one client: hours reported by a service desk, and their invoice, which the client can pay. From this
month on, the client is also subscribed to a plan.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from billing.invoices.draft import close_period
from billing.invoices.settle import InvoiceAct, act_on_invoice
from billing.jobs import rate_client
from billing.legal_entities.repository import add_tax_rate, set_billing_details, set_legal_entity
from billing.legal_entities.schemas import BillingDetailsInput, LegalEntityInput, TaxRateInput
from billing.payment_account.accounts import set_payment_account
from billing.payment_account.schemas import PaymentAccountInput
from billing.payment_account.services import PaymentServices
from billing.payment_account.states import ProviderKind
from billing.periods import Period, month_before, month_of
from billing.plans.repository import create_plan
from billing.plans.schemas import AddOnInput, PlanInput
from billing.price_books.pricing import Terms
from billing.price_books.repository import NewPrice, set_price
from billing.sides import Side
from billing.subscriptions.acts import subscribe
from billing.subscriptions.schemas import SubscriptionInput
from billing.usage.meters import create_meter
from billing.usage.report import report_usage
from billing.usage.schemas import NewMeter, UsageEventInput
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Scope

METER: Final = "support_hours"
_LABEL: Final = "Support hours"
_PRICES: Final = {Side.WHOLESALE: Decimal(40), Side.RETAIL: Decimal(95)}
_HOURS: Final = (2, 1, 3, 1, 4, 1)
"""Hours of each ticket."""


async def seed_last_month(
    services: Services, msp_account: Scope, client: Scope, books: dict[Side, UUID], *, priced_from: datetime
) -> None:
    """Declare and price the meter, report the hours, finalise the invoice and send it."""
    now = utc_now()
    period = month_before(now)
    async with services.db.transaction(msp_account) as session:
        entity = LegalEntityInput(
            name="Northbeam Commerce Inc.", street="18 Harbor Street", postcode="04101", city="Portland", country="US",
            tax_number="01-2345678", email="billing@northbeam.example", time_zone="America/New_York",
        )  # fmt: skip
        await set_legal_entity(session, entity, side=Side.RETAIL, now=now, new_id=new_id)
        rate = TaxRateInput(percent=Decimal("5.5"), valid_from=priced_from.date())
        await add_tax_rate(session, rate, side=Side.RETAIL, now=now)
        sandbox = PaymentAccountInput(provider=ProviderKind.SANDBOX)
        await set_payment_account(session, services.get(PaymentServices), sandbox, now=now)
        await create_meter(session, services.rooms.meters, NewMeter(METER, _LABEL, "hours"), now=priced_from)
        for side, price in _PRICES.items():
            line = NewPrice(METER, _LABEL, Terms(unit_price=price), priced_from)
            await set_price(session, books[side], price=line, now=priced_from, new_id=new_id)
    async with services.db.transaction(client) as session:
        buyer = BillingDetailsInput(
            name="Birch & Sons LLC", street="7 Mill Road", postcode="04005", city="Biddeford", country="US",
            email="accounts@birch.example", po_number="PO-2207",
        )  # fmt: skip
        await set_billing_details(session, buyer, payer_id=None, now=now)
        await report_usage(session, "service desk", _tickets(period), now=now, new_id=new_id)
    async with services.db.transaction(client) as session:  # usage is entered when its transaction ends
        await rate_client(session, now)
        closed = await close_period(session, side=Side.RETAIL, period=period, now=now)
        await act_on_invoice(session, closed.id, InvoiceAct.SEND, now=now, new_id=new_id)
    await _subscribe(services, msp_account, client, now=now)


async def _subscribe(services: Services, msp_account: Scope, client: Scope, *, now: datetime) -> None:
    """A monthly platform fee with seats, from the first of this month on."""
    plan = PlanInput(
        code="platform", name="Commerce platform", currency="USD", fee=Decimal(240), seat_price=Decimal(18),
        seat_name="Users", valid_from=month_of(now).start,
        add_ons=[AddOnInput("priority", "Priority support", Decimal(90))],
    )  # fmt: skip
    async with services.db.transaction(msp_account) as session:
        await create_plan(session, plan, now=now, new_id=new_id)
    new = SubscriptionInput(plan=plan.code, quantity=12, starts_on=month_of(now).start.date(), reason="Contract 2207")
    async with services.db.transaction(client) as session:
        await subscribe(session, "UTC", new, now=now, new_id=new_id)
        await rate_client(session, now)


def _tickets(period: Period) -> list[UsageEventInput]:
    return [
        UsageEventInput(
            id=f"ticket-{number}", meter=METER, quantity=Decimal(hours), dimensions={"ticket": f"#{4100 + number}"},
            occurred_at=period.start + timedelta(days=3 * number, hours=9),
        )
        for number, hours in enumerate(_HOURS, start=1)
    ]  # fmt: skip
