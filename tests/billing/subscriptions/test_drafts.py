"""Subscriptions on drafts: the month of each fee, changes after a month is fixed, and minimums."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.invoices.draft import close_period, draft_invoice
from billing.invoices.settle import InvoiceAct, act_on_invoice
from billing.jobs import rate_client, rate_recent
from billing.line_kinds import LineKind
from billing.plans.repository import add_version, create_plan
from billing.plans.schemas import PlanInput, PlanTermsInput
from billing.price_books.repository import NewPriceBook, create_price_book
from billing.pricing.periods import Interval
from billing.pricing.rules import BillingRules, ProrationUnit
from billing.sides import Side
from billing.subscriptions.acts import add_step, preview_step, preview_subscription, subscribe, undo_step
from billing.subscriptions.lists import SUBSCRIPTIONS_LIST
from billing.subscriptions.schemas import StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind
from billing.subscriptions.views import list_subscriptions, load_subscription, load_view
from billing.wallets.credit import set_credit_rule
from billing.wallets.schemas import CreditRuleInput
from foundation.errors import Conflict, InvalidInput
from foundation.ids import new_id
from tests.billing.conftest import APRIL, FIX_DRAFTS, MARCH, Market, uses
from tests.billing.subscriptions.samples import at


async def offer(market: Market, code: str, fee: str, **terms: Any) -> UUID:
    new = PlanInput(code=code, name=code.title(), currency="EUR", fee=Decimal(fee), **terms)
    async with market.as_msp_account() as session:
        return await create_plan(session, new, now=market.now, new_id=new_id)


async def begin(market: Market, plan: str, start: datetime, **values: Any) -> UUID:
    new = SubscriptionInput(plan=plan, starts_on=start.date(), **values)
    async with market.as_client() as session:
        return await subscribe(session, "UTC", new, now=market.now, new_id=new_id)


async def act(market: Market, one: UUID, kind: StepKind, **values: Any) -> UUID:
    async with market.as_client() as session:
        wanted = StepInput(kind=kind, **values)
        foreseen = await preview_step(session, one, wanted, now=market.now, new_id=new_id)
        made = await add_step(session, one, wanted, now=market.now, new_id=new_id)
        assert foreseen.takes_effect_at == made.at
    return made.id


async def bill(market: Market, now: datetime) -> None:
    async with market.as_client() as session:
        await rate_client(session, now)


async def lines(market: Market) -> Mapping[str, list[tuple[str, str, int]]]:
    """Kind, text and amount of each retail line, by month."""
    async with market.as_client() as session:
        rows = await session.execute(
            text("""
                SELECT to_char(i.period_start AT TIME ZONE 'UTC', 'MM') AS month, l.kind, l.description, l.amount_minor
                  FROM invoice i JOIN invoice_line l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
                 WHERE i.side = 'retail' ORDER BY 1, l.first_at, l.amount_minor, l.kind
            """)
        )
        found: dict[str, list[tuple[str, str, int]]] = {}
        for row in rows:
            found.setdefault(row.month, []).append((row.kind, row.description, row.amount_minor))
        return found


async def fix(market: Market, *, state: str = "finalised") -> None:
    async with market.as_client() as session:
        await session.execute(text(FIX_DRAFTS))
        await session.execute(text("UPDATE invoice SET state = 'finalised' WHERE state = 'draft'"))
        if state != "finalised":
            await session.execute(text(f"UPDATE invoice SET state = '{state}'"))


async def test_the_job_drafts_a_client_without_usage_and_only_when_something_is_to_do(priced: Market) -> None:
    await offer(priced, "basic", "31", seat_price=Decimal(2), seat_name="Seats")
    other = priced.another_client()
    one = await begin(priced, "basic", at(2026, 3, 16), quantity=3)
    await bill(priced, at(2026, 4, 2))
    first = await lines(priced)
    assert first == {
        "03": [("proration_charge", "Basic: Seats", 310), ("proration_charge", "Basic", 1600)],
        "04": [("subscription", "Basic: Seats", 600), ("subscription", "Basic", 3100)],
    }
    async with priced.as_client() as session:
        before = (await session.execute(text("SELECT id, content_hash, updated_at FROM invoice ORDER BY id"))).all()
    priced.now = at(2026, 4, 3)
    async with priced.as_client() as session:
        await rate_recent(session, at(2026, 4, 3))
        assert (
            await session.execute(text("SELECT id, content_hash, updated_at FROM invoice ORDER BY id"))
        ).all() == before
    priced.now = at(2026, 4, 16)
    await act(priced, one, StepKind.CHANGE, quantity=5)
    await bill(priced, priced.now)
    assert (await lines(priced))["04"][-2:] == [
        ("proration_credit", "Basic: Seats", -300), ("proration_charge", "Basic: Seats", 500),
    ]  # fmt: skip
    await bill(other, at(2026, 4, 16))
    assert await lines(other) == {}


async def test_charges_missing_from_a_fixed_month_go_to_the_next_open_one_exactly_once(priced: Market) -> None:
    await offer(priced, "basic", "31")
    await offer(priced, "pro", "62")
    one = await begin(priced, "basic", at(2026, 3, 1))
    await bill(priced, at(2026, 3, 20))
    await fix(priced)
    priced.now = at(2026, 4, 10)
    async with priced.as_client() as session:
        wanted = StepInput(kind=StepKind.CHANGE, plan="pro", at=at(2026, 3, 16))
        foreseen = await preview_step(session, one, wanted, now=priced.now, new_id=new_id)
        assert [(f"{line.month:%m}", line.amount_minor) for line in foreseen.lines][:2] == [("04", -1600), ("04", 3200)]
    await act(priced, one, StepKind.CHANGE, plan="pro", at=at(2026, 3, 16))
    await begin(priced, "basic", at(2026, 3, 22))
    expected = [
        ("proration_credit", "Basic", -1600), ("proration_charge", "Pro", 3200), ("proration_charge", "Basic", 1000),
        ("subscription", "Basic", 3100), ("subscription", "Pro", 6200),
    ]  # fmt: skip
    for _ in range(2):
        await bill(priced, priced.now)
        assert (await lines(priced))["04"] == expected
    await fix(priced)
    await bill(priced, at(2026, 5, 2))
    assert (await lines(priced))["05"] == [("subscription", "Basic", 3100), ("subscription", "Pro", 6200)]
    await act(priced, one, StepKind.CANCEL, at=at(2026, 4, 1))  # never began April: its fee is taken back
    await bill(priced, at(2026, 5, 2))
    assert (await lines(priced))["05"] == [("proration_credit", "Pro", -6200), ("subscription", "Basic", 3100)]


async def test_a_voided_invoice_is_charged_again(priced: Market) -> None:
    await offer(priced, "basic", "31")
    await begin(priced, "basic", at(2026, 3, 1))
    await bill(priced, at(2026, 3, 20))
    await fix(priced, state="void")
    await bill(priced, at(2026, 4, 2))
    assert (await lines(priced))["04"] == [("subscription", "Basic", 3100)] * 2


async def test_minimum_and_commitment_look_at_the_lines_before(priced: Market) -> None:
    await offer(priced, "bound", "10", minimum=Decimal(5), commitment=Decimal(40))
    await priced.use(*uses(15))
    await begin(priced, "bound", at(2026, 3, 1))
    await bill(priced, at(2026, 3, 31))
    march = (await lines(priced))["03"]
    assert {(kind, amount) for kind, _, amount in march} == {
        ("usage", 100), ("subscription", 1000), ("minimum", 400), ("commitment", 4000 - 1500),
    }  # fmt: skip
    async with priced.as_client() as session:
        made = await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=at(2026, 4, 1))
        again = await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=at(2026, 4, 2))
    assert made == again
    assert made is not None
    assert made.total_minor == 4000
    await fix(priced)
    await bill(priced, at(2026, 4, 2))
    assert {kind for kind, _, _ in (await lines(priced))["04"]} == {"subscription", "minimum", "commitment"}


async def test_bought_credit_counts_for_a_commitment_only_when_it_is_used(priced: Market) -> None:
    """The credit of 20.00 that March buys would count twice: once more when it pays for usage."""
    await offer(priced, "bound", "10", interval=Interval.QUARTER, commitment=Decimal(40))
    await begin(priced, "bound", MARCH.start, calendar=False)
    async with priced.as_client() as session:
        await set_credit_rule(session, CreditRuleInput("EUR", 100, 2000), now=priced.now, new_id=new_id)
    await bill(priced, at(2026, 3, 20))
    assert ("top_up", "", 2000) in (await lines(priced))["03"]
    await bill(priced, at(2026, 5, 31))
    assert (await lines(priced))["05"] == [("commitment", "Bound", 4000 - 1000)]


async def test_what_a_voided_month_is_charged_again_counts_for_its_own_minimum_and_commitment(priced: Market) -> None:
    await offer(priced, "bound", "10", minimum=Decimal(5), commitment=Decimal(40))
    await priced.use(*uses(15), *uses(25, at=APRIL.start))
    await begin(priced, "bound", at(2026, 3, 1))
    await bill(priced, at(2026, 3, 31))
    async with priced.as_client() as session:
        made = await close_period(session, side=Side.RETAIL, period=MARCH, now=at(2026, 4, 2))
        assert made.total_minor == 4000
        await act_on_invoice(session, made.id, InvoiceAct.VOID, reason="wrong", now=at(2026, 4, 3), new_id=new_id)
    await bill(priced, at(2026, 5, 1))
    april = sorted((kind, amount) for kind, _, amount in (await lines(priced))["04"])
    assert april == [
        ("commitment", 4000 - 1500), ("commitment", 4000 - 1500), ("minimum", 300), ("minimum", 400),
        ("subscription", 1000), ("subscription", 1000), ("usage", 100), ("usage", 200),
    ]  # fmt: skip


async def test_a_minimum_that_is_billed_under_the_name_of_another_month_is_not_billed_again(
    priced: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In zones behind UTC, the period of March ends in UTC's April: earlier keys named that month."""
    await offer(priced, "bound", "0", minimum=Decimal(5))
    new = SubscriptionInput(plan="bound", starts_on=MARCH.start.date())
    async with priced.as_client() as session:
        await subscribe(session, "America/New_York", new, now=priced.now, new_id=new_id)
    with monkeypatch.context() as earlier:
        earlier.setattr("billing.subscriptions.charges.true_up_key", lambda one, kind, _: f"{one} {kind} 2026-04")
        await bill(priced, at(2026, 3, 31))
    assert (await lines(priced)) == {"03": [("minimum", "Bound", 500)]}
    await fix(priced)
    for _ in range(2):
        await bill(priced, at(2026, 4, 30))
    assert (await lines(priced)) == {"03": [("minimum", "Bound", 500)], "04": [("minimum", "Bound", 500)]}


async def test_a_new_version_is_for_new_subscriptions_and_a_downgrade_waits_for_the_end(priced: Market) -> None:
    plan_id = await offer(priced, "basic", "31")
    await offer(priced, "small", "10")
    one = await begin(priced, "basic", at(2026, 3, 1))
    async with priced.as_msp_account() as session:
        await add_version(session, plan_id, PlanTermsInput(fee=Decimal(35)), now=at(2026, 3, 2), new_id=new_id)
    priced.now = at(2026, 3, 10)
    async with priced.as_client() as session:
        new = SubscriptionInput(plan="basic", starts_on=APRIL.start.date())
        seen = await preview_subscription(session, "UTC", new, now=priced.now, new_id=new_id)
    assert [line.amount_minor for line in seen.lines] == [3500]
    step_id = await act(priced, one, StepKind.CHANGE, plan="small")
    await bill(priced, at(2026, 4, 2))
    assert await lines(priced) == {
        "03": [("subscription", "Basic", 3100)], "04": [("subscription", "Small", 1000)],
    }  # fmt: skip
    async with priced.as_client() as session:
        assert (await load_subscription(session, one)).history[0].recorded_by == "Cleo of the client"
        await undo_step(session, one, step_id, "", now=at(2026, 3, 11))
    await bill(priced, at(2026, 4, 2))
    assert (await lines(priced))["04"] == [(LineKind.SUBSCRIPTION, "Basic", 3100)]


async def test_prices_in_another_currency_wait_for_the_end_and_credit_nothing(priced: Market) -> None:
    await offer(priced, "basic", "100")
    one = await begin(priced, "basic", MARCH.start)
    await bill(priced, MARCH.start)
    await fix(priced)
    with pytest.raises(Conflict, match="subscriptions are in"):
        await priced.open_book(Side.RETAIL, "USD", own=True)
    await priced.another_client().open_book(Side.RETAIL, "USD", own=True)
    end = await act(priced, one, StepKind.CANCEL)
    with pytest.raises(Conflict):
        await priced.open_book(Side.RETAIL, "USD", own=True)
    async with priced.as_client() as session:
        assert (await load_view(session, one, priced.now)).ends_at == APRIL.start
        assert end
    priced.now = APRIL.start
    await priced.open_book(Side.RETAIL, "USD", own=True)
    await bill(priced, APRIL.start)
    assert await lines(priced) == {"03": [("subscription", "Basic", 10_000)]}


async def test_fees_stand_in_the_month_of_the_clients_calendar(priced: Market) -> None:
    await offer(priced, "basic", "31")
    await offer(priced, "late", "10", in_advance=False, commitment=Decimal(40))
    async with priced.as_client() as session:
        new = SubscriptionInput(plan="basic", starts_on=APRIL.start.date())
        await subscribe(session, "Europe/Berlin", new, now=priced.now, new_id=new_id)
        new = SubscriptionInput(plan="late", starts_on=MARCH.start.date())
        await subscribe(session, "America/New_York", new, now=priced.now, new_id=new_id)
    await bill(priced, at(2026, 3, 31, 23))
    march = [("commitment", "Late", 3000), ("subscription", "Late", 1000)]
    assert sorted((await lines(priced))["03"]) == march
    await bill(priced, at(2026, 4, 2))
    assert [line for line in (await lines(priced))["04"] if line[1] == "Basic"] == [("subscription", "Basic", 3100)]
    assert sorted((await lines(priced))["03"]) == march


async def test_a_preview_has_what_is_missing_to_minimums(priced: Market) -> None:
    await offer(priced, "bound", "10", minimum=Decimal(5), commitment=Decimal(40))
    async with priced.as_client() as session:
        new = SubscriptionInput(plan="bound", starts_on=MARCH.start.date())
        seen = await preview_subscription(session, "UTC", new, now=priced.now, new_id=new_id)
    assert [(line.kind.value, line.amount_minor) for line in seen.lines] == [
        ("minimum", 500), ("subscription", 1000), ("commitment", 2500),
    ]  # fmt: skip
    assert seen.total_minor == 4000


async def test_what_cannot_be_billed_is_refused(priced: Market) -> None:
    plan_id = await offer(priced, "basic", "1", seat_price=Decimal(900_000_000))
    terms = PlanTermsInput(fee=Decimal(35), valid_from=APRIL.start)
    async with priced.as_msp_account() as session:
        await add_version(session, plan_id, terms, now=MARCH.start, new_id=new_id)
    refusals: list[dict[str, Any]] = [{"version": 2}, {"quantity": 2}]
    for values in refusals:
        with pytest.raises(InvalidInput) as refused:
            await begin(priced, "basic", at(2026, 3, 5), **values)
        assert refused.value.extra["field"] in values
    one = await begin(priced, "basic", at(2026, 3, 5))
    refusals = [{"plan": "basic", "version": 2}, {"quantity": 1000}]
    for values in refusals:
        with pytest.raises(InvalidInput):
            await act(priced, one, StepKind.CHANGE, **values)
    priced.now = at(2026, 3, 10)
    await act(priced, one, StepKind.CHANGE, plan="basic", version=2, when="period_end")


async def test_what_is_shown_follows_the_rules_of_the_clients_prices(priced: Market) -> None:
    await offer(priced, "basic", "31")
    rules = BillingRules(part_period_proration=ProrationUnit.THIRTY_STRICT)
    async with priced.as_msp_account() as session:
        book = NewPriceBook(Side.RETAIL, "EUR", "Own", priced.client.tenant_id, rules)
        await create_price_book(session, book, now=priced.now, new_id=new_id)
    one = await begin(priced, "basic", at(2026, 3, 16))
    views = []
    async with priced.as_client() as session:
        views += [await load_view(session, one, priced.now), *await list_subscriptions(session, priced.now)]
    async with priced.as_staff() as session:
        views += (await SUBSCRIPTIONS_LIST.load(session, SUBSCRIPTIONS_LIST.query(), priced.now)).items
    assert [each.next_charge and each.next_charge.amount_minor for each in views] == [1550] * 3
