"""From the draft to the paid invoice: numbers, tax, payments, credit notes and reminders, without the web."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.errors import PartyMissing
from billing.exports.export import export_month
from billing.exports.schemas import Target
from billing.invoices.advance import advance_invoices
from billing.invoices.charged_again import load_charged_again
from billing.invoices.draft import DraftInvoice, close_period, close_wholesale
from billing.invoices.forms import ACT_LABELS, acts_of
from billing.invoices.issue import working_day
from billing.invoices.life import load_balances
from billing.invoices.repository import list_margins, load_invoice
from billing.invoices.settle import (
    InvoiceAct,
    NewCredit,
    NewPayment,
    act_on_invoice,
    create_credit_note,
    record_payment,
    state_after,
)
from billing.legal_entities.repository import add_tax_rate, set_billing_details, set_legal_entity, take_number
from billing.legal_entities.schemas import BillingDetailsInput, LegalEntityInput, TaxRateInput
from billing.schemas import InvoiceDetail
from billing.sides import Side, as_rater
from billing.states import LABELS, OPEN, InvoiceState
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.usage.ledger import Usage
from tenants.notifications.job_types import NOTIFY
from tests.billing.conftest import APRIL, MARCH, METER, START, Market, events_of, uses

NOW = APRIL.start + timedelta(days=3)
ADDRESS: dict[str, Any] = {"street": "Kai 1", "postcode": "20457", "city": "Hamburg", "country": "DE"}


@pytest.fixture
async def issuing(priced: Market) -> Market:
    """A German MSP with 19 % and a client with use of 11.50 in March."""
    await enter(priced)
    await priced.use(*uses(120))
    return priced


async def enter(
    market: Market, side: Side = Side.RETAIL, number_format: str = "R-{year}-{number:3}", time_zone: str = "UTC"
) -> None:
    entity = LegalEntityInput(
        name="Calm Harbour GmbH", **ADDRESS, vat_id="DE136695976", payment_days=14, dunning_days=(7, 14),
        number_format=number_format, credit_note_format=f"G{number_format}", time_zone=time_zone,
    )  # fmt: skip
    async with market.as_msp_account() as session:
        await set_legal_entity(session, entity, side=side, now=NOW, new_id=new_id)
        rate = TaxRateInput(percent=Decimal(19), valid_from=date(2026, 1, 1))
        await add_tax_rate(session, rate, side=side, now=NOW)
    details = BillingDetailsInput(name="Birch AG", **ADDRESS, po_number="PO-7")
    for opened in (market.as_client(), market.as_msp_account()):
        async with opened as session:
            await set_billing_details(session, details, payer_id=None, now=NOW)


async def close(market: Market, side: Side = Side.RETAIL) -> InvoiceDetail:
    async with market.as_client() as session:
        closed = await close_period(session, side=side, period=MARCH, now=NOW)
    async with market.as_staff() as session:
        return await load_invoice(session, closed.id)


async def shown(market: Market, before: InvoiceDetail) -> InvoiceDetail:
    async with market.as_client() as session:
        return await load_invoice(session, before.invoice.id)


async def pay(market: Market, invoice: InvoiceDetail, amount: int) -> None:
    payment = NewPayment(paid_on=NOW.date(), amount_minor=amount, reference="transfer 1")
    async with market.as_client() as session:
        await record_payment(session, invoice.invoice.id, payment, now=NOW, new_id=new_id)


async def test_a_closed_draft_gets_number_tax_parties_and_due_day(issuing: Market) -> None:
    closed = await close(issuing)
    found, document = closed.invoice, closed.document
    assert (found.state, found.number, found.total_minor) == ("finalised", "R-2026-001", 1150)
    assert (found.tax_minor, found.gross_minor, found.due_on) == (219, 1369, date(2026, 4, 20))  # not on a Saturday
    assert document is not None
    assert (document.buyer.po_number, document.seller.vat_id) == ("PO-7", "DE136695976")
    assert [(line.quantity, line.net_minor) for line in document.lines] == [(Decimal(115), 1150)]
    async with issuing.as_msp_account() as session:  # an issued invoice does not change with the seller
        entity = LegalEntityInput(name="Renamed", **ADDRESS)
        await set_legal_entity(session, entity, side=Side.RETAIL, now=NOW, new_id=new_id)
    assert (await shown(issuing, closed)).document == document
    assert [step.cause for step in (await shown(issuing, closed)).steps] == ["finalised"]


@pytest.mark.parametrize(
    ("time_zone", "issued_on", "due_on", "last_moment"),
    [
        ("UTC", date(2026, 4, 4), date(2026, 4, 20), datetime(2026, 4, 20, 23, 59, tzinfo=UTC)),
        ("America/New_York", date(2026, 4, 3), date(2026, 4, 17), datetime(2026, 4, 18, 3, 59, tzinfo=UTC)),
        ("Asia/Kolkata", date(2026, 4, 4), date(2026, 4, 20), datetime(2026, 4, 20, 18, 29, tzinfo=UTC)),
    ],
)
async def test_days_of_an_invoice_are_those_of_its_legal_entity(
    priced: Market, time_zone: str, issued_on: date, due_on: date, last_moment: datetime
) -> None:
    """An invoice keeps the time zone of its issue, and is overdue once its due day has ended there."""
    await enter(priced, time_zone=time_zone)
    await priced.use(*uses(120))
    closed = await close(priced)
    assert closed.document is not None
    found = (closed.document.issued_on, closed.document.due_on, closed.document.time_zone)
    assert found == (issued_on, due_on, time_zone)
    async with priced.as_msp_account() as session:
        moved = LegalEntityInput(name="Moved", **ADDRESS, time_zone="Pacific/Auckland")
        await set_legal_entity(session, moved, side=Side.RETAIL, now=NOW, new_id=new_id)
    states = []
    for now in (last_moment, last_moment + timedelta(minutes=1)):
        async with priced.as_client() as session:
            await advance_invoices(session, now, new_id=new_id)
        states.append((await shown(priced, closed)).invoice.state)
    assert states == ["finalised", "overdue"]


async def test_a_payment_is_on_a_day_of_the_legal_entity(priced: Market) -> None:
    """In Auckland a day begins half a day before that of UTC: its payments are not in the future."""
    await enter(priced, time_zone="Pacific/Auckland")
    await priced.use(*uses(120))
    closed, now = await close(priced), NOW + timedelta(hours=13)
    async with priced.as_client() as session:
        tomorrow = NewPayment(paid_on=NOW.date() + timedelta(days=2), amount_minor=100)
        with pytest.raises(InvalidInput):
            await record_payment(session, closed.invoice.id, tomorrow, now=now, new_id=new_id)
        await record_payment(session, closed.invoice.id, NewPayment(amount_minor=100), now=now, new_id=new_id)
    assert [one.paid_on for one in (await shown(priced, closed)).payments] == [NOW.date() + timedelta(days=1)]


async def test_a_negative_total_is_a_credit_note(issuing: Market) -> None:
    """Half of a billed month is taken back in the next one. Nothing is due, and the amount can be paid back."""
    closed, later = await close_negative(issuing), APRIL.end + timedelta(days=1)
    async with issuing.as_client() as session:
        assert (closed.total_minor, closed.events) == (-500, -50)
        await act_on_invoice(session, closed.id, InvoiceAct.SEND, now=later, new_id=new_id)
        await advance_invoices(session, later + timedelta(days=90), new_id=new_id)
        found = await load_invoice(session, closed.id)
        assert found.document is not None
        assert (found.invoice.number, found.invoice.gross_minor, found.document.is_credit) == (
            "GR-2026-001",
            -595,
            True,
        )
        assert (found.invoice.state, [step.cause for step in found.steps]) == ("sent", ["finalised", "sent"])
        assert dict(await load_balances(session, issuing.client.tenant_id)) == {"EUR": 595}
        with pytest.raises(Conflict):
            await record_payment(session, closed.id, paid(-596, later), now=later, new_id=new_id)
        with pytest.raises(Conflict):
            await create_credit_note(session, closed.id, NewCredit(reason="x"), now=later, new_id=new_id)
        await record_payment(session, closed.id, paid(-595, later), now=later, new_id=new_id)
        assert (await load_invoice(session, closed.id)).invoice.state == "paid"
    async with issuing.as_staff() as session:
        lines = (await export_month(session, month="2026-05", target=Target.FLAT)).rows
        assert [(row["document"], row["gross"], row["due_date"]) for row in lines] == [
            ("credit_note", Decimal("-5.95"), None)
        ]
    async with issuing.another_client().as_client() as session:
        with pytest.raises(NotFound):
            await load_invoice(session, closed.id)


async def close_negative(market: Market) -> DraftInvoice:
    """Close April, whose only usage is the reversal of 50 of March's 120 events."""
    await close(market)
    await market.use(*(Usage(METER, new_id(), -1, START, is_reversal=True) for _ in range(50)))
    async with market.as_client() as session:
        return await close_period(session, side=Side.RETAIL, period=APRIL, now=APRIL.end + timedelta(days=1))


def paid(amount: int, now: datetime) -> NewPayment:
    return NewPayment(paid_on=now.date(), amount_minor=amount)


def test_due_days_are_working_days() -> None:
    friday = date(2026, 4, 17)
    assert [working_day(friday + timedelta(days=day)).day for day in range(4)] == [17, 20, 20, 20]


async def test_nothing_is_issued_without_the_buyer(priced: Market) -> None:
    await enter(priced)
    stranger = priced.another_client()
    await stranger.use(*uses(3))
    with pytest.raises(PartyMissing, match="billing details"):
        await close(stranger)
    async with stranger.as_staff() as session:
        assert await session.scalar(text("SELECT count(*) FROM issued_invoice")) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoice SET total_minor = 1", "UPDATE invoice SET content_hash = ''",
        "UPDATE invoice SET state = 'draft'", "UPDATE issued_invoice SET net_minor = 1",
        "DELETE FROM invoice_payment", "UPDATE credit_note SET reason = ''", "UPDATE invoice_step SET note = ''",
    ],
)  # fmt: skip
async def test_the_database_refuses_to_change_what_is_fixed(issuing: Market, statement: str) -> None:
    await close(issuing)
    with pytest.raises(DBAPIError, match=r"row-level security|permission denied"):
        async with issuing.as_client() as session:
            await session.execute(text(statement))


async def test_numbers_have_no_gap_with_concurrent_rollbacks(issuing: Market) -> None:
    """Thirty concurrent invoices of two clients; every third rolls back after taking its number."""
    sibling = issuing.another_client()

    async def take(turn: int) -> str:
        market = sibling if turn % 2 else issuing
        taken = ""
        try:
            async with market.as_client() as session, as_rater(session):
                taken = await take_number(session, Side.RETAIL, "N-{year}-{number:3}", NOW.date())
                await asyncio.sleep(0)
                assert turn % 3, "rolls back"
        except AssertionError:
            return ""
        return taken

    taken = [number for number in await asyncio.gather(*map(take, range(30))) if number]
    assert sorted(taken) == [f"N-2026-{number:03}" for number in range(1, 21)]


async def test_payments_settle_the_invoice_and_an_excess_is_recorded(issuing: Market) -> None:
    closed = await close(issuing)
    stranger = issuing.another_client()
    with pytest.raises(NotFound):
        await pay(stranger, closed, 100)
    await pay(issuing, closed, 1000)
    assert (await shown(issuing, closed)).invoice.state == "partly_paid"
    with pytest.raises(Conflict, match="taken back"):
        await pay(issuing, closed, -1001)
    await pay(issuing, closed, 400)
    paid = await shown(issuing, closed)
    assert (paid.invoice.state, paid.invoice.balance_minor, len(paid.payments)) == ("paid", -31, 2)
    async with issuing.as_client() as session:
        assert await load_balances(session, issuing.client.tenant_id) == [("EUR", 31)]
    await pay(issuing, closed, -400)
    assert (await shown(issuing, closed)).invoice.state == "partly_paid"
    await pay(issuing, closed, -1000)
    assert (await shown(issuing, closed)).invoice.state == "sent"
    await pay(issuing, closed, 1369)
    late, payment = NOW + timedelta(days=30), NewPayment(paid_on=NOW.date(), amount_minor=-1369)
    async with issuing.as_client() as session:
        await record_payment(session, closed.invoice.id, payment, now=late, new_id=new_id)
    assert (await shown(issuing, closed)).invoice.state == "overdue"


async def test_credit_notes_never_exceed_the_invoice_and_take_their_tax(issuing: Market) -> None:
    closed = await close(issuing)
    line = closed.lines[0].id

    async def credit(**given: object) -> None:
        async with issuing.as_client() as session:
            wanted = NewCredit(reason="too much", **given)  # type: ignore[arg-type]
            await create_credit_note(session, closed.invoice.id, wanted, now=NOW, new_id=new_id)

    await credit(lines={line: 333})
    await credit(net_minor=333)
    for wrong in ({"lines": {line: 818}}, {"net_minor": 485}, {"lines": {new_id(): 1}}):
        with pytest.raises(Conflict, match="left to credit"):
            await credit(**wrong)
    with pytest.raises(InvalidInput):
        await credit(net_minor=0)
    await credit()
    found = await shown(issuing, closed)
    assert [one.number for one in found.credit_notes] == [f"GR-2026-00{number}" for number in (1, 2, 3)]
    assert [sum(getattr(one, name) for one in found.credit_notes) for name in ("net_minor", "tax_minor")] == [1150, 219]
    assert (found.invoice.state, found.invoice.balance_minor) == ("paid", 0)
    with pytest.raises(Conflict, match="left to credit"):
        await credit()


@pytest.mark.parametrize("act", InvoiceAct)
def test_the_guide_names_the_states_of_each_act(act: InvoiceAct) -> None:
    guide = (Path(__file__).parents[3] / "docs/guides/msp-admin.md").read_text()
    [row] = [line for line in guide.splitlines() if line.startswith(f"| *{ACT_LABELS[act]}* |")]
    named = [name.strip() for name in row.split("|")[2].split(",")]
    fixed = [state for state in InvoiceState if state not in OPEN]
    assert named == [LABELS[state][0] for state in fixed if state_after(act, state)]


async def test_an_invoice_without_a_number_is_not_mailed(priced: Market) -> None:
    await priced.use(*uses(120))
    closed = await close(priced)
    assert ("send", "Send") in acts_of(closed.invoice)
    async with priced.as_client() as session:
        await act_on_invoice(session, closed.invoice.id, InvoiceAct.SEND, now=NOW, new_id=new_id)
        with pytest.raises(Conflict, match="no document"):
            await act_on_invoice(session, closed.invoice.id, InvoiceAct.SEND, now=NOW, new_id=new_id)
    assert acts_of((await shown(priced, closed)).invoice) == [("void", "Void")]


async def test_only_an_unpaid_invoice_is_voided(issuing: Market) -> None:
    closed = await close(issuing)

    async def act(act: InvoiceAct, reason: str = "") -> None:
        async with issuing.as_client() as session:
            await act_on_invoice(session, closed.invoice.id, act, reason=reason, now=NOW, new_id=new_id)

    await act(InvoiceAct.SEND)
    assert await notified(issuing) == ["invoice.sent"]
    with pytest.raises(InvalidInput, match="reason"):
        await act(InvoiceAct.VOID)
    await pay(issuing, closed, 1)
    with pytest.raises(Conflict):
        await act(InvoiceAct.VOID, "wrong client")
    await pay(issuing, closed, -1)
    with pytest.raises(Conflict, match="state"):
        await act(InvoiceAct.SUSPEND, "unpaid")


async def test_invoices_become_ready_overdue_and_reminded_by_the_day(issuing: Market) -> None:
    async def advance(day: date) -> None:
        async with issuing.as_client() as session:
            await advance_invoices(session, NOW + (day - NOW.date()), new_id=new_id)

    await issuing.rate(Side.RETAIL)
    await advance(NOW.date())
    async with issuing.as_client() as session:
        assert await session.scalar(text("SELECT state FROM invoice WHERE side = 'retail'")) == "grace"
    closed = await close(issuing)
    for day, state, level in (
        (date(2026, 4, 20), "finalised", 0), (date(2026, 4, 21), "overdue", 0), (date(2026, 4, 27), "overdue", 1),
        (date(2026, 4, 27), "overdue", 1), (date(2026, 5, 20), "overdue", 2), (date(2026, 6, 20), "overdue", 2),
    ):  # fmt: skip
        await advance(day)
        moved = (await shown(issuing, closed)).invoice
        assert (moved.state, moved.dunning_level) == (state, level), day
    assert await notified(issuing) == ["invoice.overdue"]
    await pay(issuing, closed, 1369)
    found = await shown(issuing, closed)
    assert found.invoice.state == "paid"
    assert [step.cause for step in found.steps] == ["finalised", "due_day", "reminder", "reminder", "payment"]


async def test_the_operator_issues_the_wholesale_invoice_once_all_shares_are_closed(issuing: Market) -> None:
    async with issuing.db.transaction(issuing.msp_account) as session:
        msp = {"t": issuing.msp_account.msp_id, "s": f"msp-{issuing.msp_account.msp_id.hex[-12:]}"}
        insert = "INSERT INTO msp (tenant_id, msp_id, slug, name, created_at) VALUES (:t, :t, :s, 'M', now())"
        await session.execute(text(insert), msp)
    await enter(issuing, Side.WHOLESALE, "W-{account}-{number}")
    await issuing.rate(Side.WHOLESALE)
    with pytest.raises(Conflict, match="share of this period"):
        async with issuing.as_msp_account() as session:
            await close_wholesale(session, period=MARCH, now=NOW)
    share = await close(issuing, Side.WHOLESALE)
    assert (share.invoice.number, share.invoice.gross_minor) == (None, 360)
    async with issuing.as_msp_account() as session:
        whole = await close_wholesale(session, period=MARCH, now=NOW)
    async with issuing.as_staff() as session:
        found = (await load_invoice(session, whole.id)).invoice
        ids = "SELECT array_agg(usage_id ORDER BY usage_id) FROM rated_usage WHERE side = :side"
        sides = [await session.scalar(text(ids), {"side": side}) for side in ("retail", "wholesale")]
    assert (found.number, found.gross_minor) == (f"W-{msp['s']}-1", 428)
    assert sides[0] is None or sides[0] == sides[1]


async def test_lines_of_a_voided_invoice_still_open_to_their_events(issuing: Market) -> None:
    """Rated with their roll-up or one by one, also after other events of the same hour are charged."""
    await issuing.price(Side.RETAIL, "0.20", at=START + timedelta(minutes=30))
    await issuing.use(*uses(40, at=START + timedelta(minutes=30) - timedelta(seconds=20)))
    voided = await close(issuing)
    before = await events_by_line(issuing, voided)
    assert sorted(len(events) for events in before.values()) == [20, 140]
    async with issuing.as_client() as session:
        await act_on_invoice(session, voided.invoice.id, InvoiceAct.VOID, reason="wrong", now=NOW, new_id=new_id)
    assert await events_by_line(issuing, voided) == before
    await issuing.use(*uses(10))
    draft = await issuing.rate(Side.RETAIL, APRIL)
    assert draft is not None
    assert await events_by_line(issuing, voided) == before
    async with issuing.as_client() as session:
        found = await load_charged_again(session, await load_invoice(session, voided.invoice.id))
        assert [(one.voided_minor, one.again_minor, one.invoice_id) for one in found] == [
            (sum(line.amount_minor for line in voided.lines), draft.total_minor, draft.id)
        ]
        assert await load_charged_again(session, await load_invoice(session, draft.id)) == ()
    again = await events_by_line(issuing, (await shown_by_id(issuing, draft.id)))
    assert sum(len(events) for events in again.values()) == 170
    async with issuing.as_staff() as session:
        assert await list_margins(session, period_start=MARCH.start) == [], "a void invoice earns nothing"


async def events_by_line(market: Market, detail: InvoiceDetail) -> dict[UUID, list[UUID]]:
    async with market.as_client() as session:
        return {line.id: [one.id for one in (await events_of(session, line.id)).items] for line in detail.lines}


async def shown_by_id(market: Market, invoice_id: UUID) -> InvoiceDetail:
    async with market.as_client() as session:
        return await load_invoice(session, invoice_id)


async def test_usage_of_a_voided_invoice_is_charged_again_with_its_own_allowance(issuing: Market) -> None:
    voided = (await close(issuing)).invoice
    async with issuing.as_client() as session:
        for table in ("rated_usage", "rated_rollup"):
            kept = await session.execute(text(f"DELETE FROM {table} RETURNING 1"))
            assert kept.all() == [], "what is charged stays on its invoice"
        await act_on_invoice(session, voided.id, InvoiceAct.VOID, reason="wrong", now=NOW, new_id=new_id)
    await issuing.use(*uses(10))  # late, beside the 120 events of the void invoice
    async with issuing.as_client() as session:
        draft = await close_period(session, side=Side.RETAIL, period=APRIL, now=APRIL.end)
    assert draft.total_minor == 1250, "130 events, 5 of them included, as if nothing had been charged before"


async def notified(issuing: Market) -> list[str]:
    """Kinds of the client's notifications, in order."""
    async with issuing.as_client() as session:
        jobs = text("SELECT payload->>'kind' FROM job WHERE kind = :kind ORDER BY seq")
        return list(await session.scalars(jobs, {"kind": NOTIFY.name}))
