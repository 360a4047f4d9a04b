"""A client's credit: use by invoices, its order, and returned credit."""

import asyncio
import random
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.invoices.balance import keep_on_balance, pay_from_balance
from billing.invoices.draft import draft_invoice
from billing.invoices.forms import acts_of
from billing.invoices.repository import load_invoice
from billing.invoices.settle import (
    InvoiceAct,
    NewCredit,
    NewPayment,
    act_on_invoice,
    create_credit_note,
    record_payment,
)
from billing.line_kinds import LineKind
from billing.schemas import InvoiceDetail
from billing.sides import Side
from billing.wallets.credit import give_credit, load_credit, set_credit_rule, take_credit_back
from billing.wallets.ledger import (
    GrantedCredit,
    draw_credit,
    expire_credit,
    grant_credit,
    restore_credit,
    withdraw_credit,
)
from billing.wallets.notices import review_credit
from billing.wallets.schemas import CreditBalance, CreditRuleInput, NewGrant
from billing.wallets.states import GrantKind
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from tests.billing.conftest import APRIL, MARCH, Market
from tests.billing.invoices.test_lifecycle import NOW, close, close_negative, issuing, pay, shown  # noqa: F401 - fixture


async def grant(market: Market, amount: int, **more: object) -> UUID:
    new = NewGrant(currency="EUR", amount_minor=amount, reason="agreed", **more)  # type: ignore[arg-type]
    async with market.as_client() as session:
        return await give_credit(session, new, now=NOW, new_id=new_id)


async def credit_of(market: Market, now: datetime = NOW) -> CreditBalance:
    async with market.as_client() as session:
        found = await load_credit(session, now)
    for one in found.grants:
        assert one.left_minor == sum(move.amount_minor for move in found.moves if move.grant_id == one.id)
    return found


async def available(market: Market) -> int:
    return sum(one.available_minor for one in (await credit_of(market)).balances)


async def test_a_finalised_invoice_is_paid_from_the_credit_in_its_order(issuing: Market) -> None:  # noqa: F811
    paid_first = await grant(issuing, 900)
    await grant(issuing, 500, kind=GrantKind.PROMOTIONAL, priority=1)
    await grant(issuing, 700, expires_on=NOW.date() + timedelta(days=9))
    async with issuing.as_client() as session:
        await give_credit(session, NewGrant(currency="USD", amount_minor=9, reason="x"), now=NOW, new_id=new_id)
    found = await shown(issuing, await close(issuing))
    assert (found.invoice.state, found.invoice.paid_minor, found.invoice.gross_minor) == ("paid", 1369, 1369)
    assert [(one.method, one.amount_minor) for one in found.payments] == [("balance", 1369)]
    left = {one.id: one.left_minor for one in (await credit_of(issuing)).grants if one.currency == "EUR"}
    assert (sorted(left.values()), left[paid_first]) == ([0, 0, 731], 731)
    async with issuing.as_client() as session:
        with pytest.raises(Conflict, match="Nothing is left to pay"):
            await pay_from_balance(session, found.invoice.id, now=NOW, new_id=new_id)
    stranger = issuing.another_client()
    assert await credit_of(stranger) == CreditBalance([], [], [], [])
    async with stranger.as_client() as session:
        with pytest.raises(NotFound):
            await take_credit_back(session, paid_first, "mine", now=NOW, new_id=new_id)
        with pytest.raises(NotFound):
            await pay_from_balance(session, found.invoice.id, now=NOW, new_id=new_id)


async def test_credit_used_by_a_voided_invoice_is_restored(issuing: Market) -> None:  # noqa: F811
    await grant(issuing, 1000)
    found = await shown(issuing, await close(issuing))
    assert (found.invoice.state, found.invoice.balance_minor, await available(issuing)) == ("partly_paid", 369, 0)
    assert ("void", "Void") in acts_of(found.invoice, found.from_balance_minor)
    async with issuing.as_client() as session:
        await act_on_invoice(session, found.invoice.id, InvoiceAct.VOID, reason="wrong", now=NOW, new_id=new_id)
    after = await shown(issuing, found)
    assert (after.invoice.state, after.invoice.paid_minor, await available(issuing)) == ("void", 0, 1000)


async def test_a_credit_note_restores_used_credit_before_money(issuing: Market) -> None:  # noqa: F811
    await grant(issuing, 300)
    found = await close(issuing)
    await pay(issuing, found, 1069)
    async with issuing.as_client() as session:
        note = NewCredit(reason="half", net_minor=500)
        await create_credit_note(session, found.invoice.id, note, now=NOW, new_id=new_id)
    after = await shown(issuing, found)
    assert (after.invoice.balance_minor, await available(issuing)) == (-(595 - 300), 300)
    async with issuing.as_client() as session:
        assert await keep_on_balance(session, found.invoice.id, now=NOW, new_id=new_id) == 295
        with pytest.raises(Conflict, match="nothing to give back"):
            await keep_on_balance(session, found.invoice.id, now=NOW, new_id=new_id)
    assert ((await shown(issuing, found)).invoice.balance_minor, await available(issuing)) == (0, 595)
    assert (await credit_of(issuing)).grants[-1].kind in {"credit_note", "prepaid"}


async def test_a_credit_note_that_is_partly_paid_back_is_not_paid(issuing: Market) -> None:  # noqa: F811
    closed, later = await close_negative(issuing), APRIL.end + timedelta(days=1)

    async def state_after(amount: int) -> InvoiceDetail:
        async with issuing.as_client() as session:
            payment = NewPayment(paid_on=later.date(), amount_minor=amount)
            await record_payment(session, closed.id, payment, now=later, new_id=new_id)
            return await load_invoice(session, closed.id)

    assert (await state_after(-300)).invoice.state == "partly_paid"
    async with issuing.as_client() as session:
        assert await keep_on_balance(session, closed.id, now=later, new_id=new_id) == 295
        assert (await load_invoice(session, closed.id)).invoice.state == "paid"


async def test_concurrent_use_never_takes_the_balance_below_zero(issuing: Market) -> None:  # noqa: F811
    await grant(issuing, 1000)

    async def use() -> int:
        async with issuing.as_client() as session:
            return await draw_credit(session, "EUR", 300, new_id(), now=NOW, new_id=new_id)

    used = await asyncio.gather(*(use() for _ in range(6)))
    assert sorted(used) == [0, 0, 100, 300, 300, 300]
    assert await available(issuing) == 0
    with pytest.raises(DBAPIError, match=r"permission denied"):
        async with issuing.as_client() as session:
            await session.execute(text("DELETE FROM credit_transaction"))


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_acts_keeps_the_sums(issuing: Market, seed: int) -> None:  # noqa: F811
    chance, invoices = random.Random(seed), [new_id() for _ in range(3)]
    grants, used = [await grant(issuing, chance.randint(1, 400)) for _ in range(3)], dict.fromkeys(invoices, 0)
    async with issuing.as_client() as session:
        for _ in range(25):
            invoice, amount = chance.choice(invoices), chance.randint(0, 300)
            act = chance.choice(("draw", "draw", "restore", "withdraw"))
            if act == "draw":
                used[invoice] += await draw_credit(session, "EUR", amount, invoice, now=NOW, new_id=new_id)
            elif act == "restore":
                back = await restore_credit(session, invoice, amount, now=NOW, new_id=new_id)
                assert back == min(amount, used[invoice])
                used[invoice] -= back
            elif chance.random() < 0.1:
                await withdraw_credit(session, chance.choice(grants), "x", now=NOW, new_id=new_id)
    found = await credit_of(issuing)
    assert all(0 <= one.left_minor <= one.amount_minor for one in found.grants)
    assert -sum(one.amount_minor for one in found.moves if one.kind in {"used", "restored"}) == sum(used.values())


async def test_credit_expires_after_its_last_day_and_is_announced_once(issuing: Market) -> None:  # noqa: F811
    await grant(issuing, 400, expires_on=date(2026, 4, 10))
    async with issuing.as_client() as session:
        await set_credit_rule(session, CreditRuleInput("EUR", 500), now=NOW, new_id=new_id)
    notices = text("SELECT count(*) FROM job WHERE kind = 'notifications.notify' OR kind LIKE '%notify%'")
    counts = []
    for day in (4, 5, 10, 11):
        async with issuing.as_client() as session:
            await review_credit(session, datetime(2026, 4, day, 12, tzinfo=NOW.tzinfo), new_id=new_id)
        async with issuing.as_client() as session:
            counts.append(await session.scalar(notices))
    assert counts == [2, 2, 2, 2], "low, and expiring: each once"
    found = await credit_of(issuing)
    assert [(one.kind, one.amount_minor) for one in found.moves] == [("expired", -400), ("granted", 400)]
    async with issuing.as_client() as session:
        assert await expire_credit(session, NOW + timedelta(days=30), new_id=new_id) == 0


async def test_a_low_balance_is_topped_up_once_a_month_and_granted_when_paid(issuing: Market) -> None:  # noqa: F811
    await grant(issuing, 99)
    async with issuing.as_client() as session:
        await set_credit_rule(session, CreditRuleInput("EUR", 100, 2000), now=NOW, new_id=new_id)
        first = await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=NOW)
    async with issuing.as_client() as session:
        assert first == await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=NOW)
    closed = await close(issuing)
    assert closed.invoice.total_minor == 1150 + 2000
    async with issuing.as_client() as session:
        april = await draft_invoice(session, side=Side.RETAIL, period=APRIL, now=NOW)
    assert april is None, "what March buys counts"
    assert await available(issuing) == 0
    await pay(issuing, closed, (await shown(issuing, closed)).invoice.balance_minor)
    await pay(issuing, closed, -1)
    await pay(issuing, closed, 1)
    assert await available(issuing) == 2000


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"currency": "XXX"}, "currency"), ({"kind": GrantKind.TOP_UP}, "kind"), ({"reason": " "}, "reason"),
        ({"expires_on": date(2026, 1, 1)}, "expires_on"),
    ],
)  # fmt: skip
async def test_invalid_credit_is_refused(market: Market, given: dict[str, object], field: str) -> None:
    new = NewGrant(**{"currency": "EUR", "amount_minor": 5, "reason": "x", **given})  # type: ignore[arg-type]
    async with market.as_client() as session:
        with pytest.raises(InvalidInput) as refused:
            await give_credit(session, new, now=NOW, new_id=new_id)
    assert refused.value.extra["field"] == field


async def test_refunds_of_the_payment_provider_are_not_restored_as_credit_too(issuing: Market) -> None:  # noqa: F811
    await grant(issuing, 300)
    found = await close(issuing)
    await pay(issuing, found, 1069)
    async with issuing.as_client() as session:
        note = NewCredit(reason="half", net_minor=500, refunds=True)
        await create_credit_note(session, found.invoice.id, note, now=NOW, new_id=new_id)
    assert ((await shown(issuing, found)).invoice.balance_minor, await available(issuing)) == (-595, 0)


async def test_bought_credit_is_withdrawn_when_its_payment_or_its_line_is_taken_back(issuing: Market) -> None:  # noqa: F811
    async with issuing.as_client() as session:
        await set_credit_rule(session, CreditRuleInput("EUR", 100, 2000), now=NOW, new_id=new_id)
    closed = await close(issuing)
    gross = closed.invoice.gross_minor
    await pay(issuing, closed, gross)
    assert await available(issuing) == 2000
    await pay(issuing, closed, -gross)
    assert await available(issuing) == 0
    await pay(issuing, closed, gross)
    [line] = [one for one in closed.lines if one.kind is LineKind.TOP_UP]
    async with issuing.as_client() as session:
        note = NewCredit(reason="less", lines={line.id: 500})
        await create_credit_note(session, closed.invoice.id, note, now=NOW, new_id=new_id)
    assert await available(issuing) == 1500


async def test_bought_credit_is_neither_taxed_nor_paid_by_granted_credit(issuing: Market) -> None:  # noqa: F811
    await grant(issuing, 5000, kind=GrantKind.PROMOTIONAL)
    async with issuing.as_client() as session:
        await set_credit_rule(session, CreditRuleInput("EUR", 10_000, 2000), now=NOW, new_id=new_id)
    closed = await close(issuing)
    assert (closed.invoice.total_minor, closed.invoice.gross_minor) == (1150 + 2000, 1369 + 2000)
    found = await shown(issuing, closed)
    assert (found.invoice.balance_minor, await available(issuing)) == (2000, 5000 - 1369)
    async with issuing.as_client() as session:
        with pytest.raises(Conflict, match="Nothing is left"):
            await pay_from_balance(session, closed.invoice.id, now=NOW, new_id=new_id)
        await grant_credit(session, GrantedCredit(
            kind=GrantKind.OVERPAYMENT, currency="EUR", amount_minor=300, reason="",
        ), now=NOW, new_id=new_id)  # fmt: skip
        assert await pay_from_balance(session, closed.invoice.id, now=NOW, new_id=new_id) == 300
    await pay(issuing, closed, 1700)
    [line] = [one for one in closed.lines if one.kind is LineKind.TOP_UP]
    taxes = []
    for credit in ({"lines": {line.id: 500}}, {"net_minor": 1150}, {}):
        async with issuing.as_client() as session:
            note = NewCredit(reason="less", **credit)
            made = await create_credit_note(session, closed.invoice.id, note, now=NOW, new_id=new_id)
            asked = text("SELECT tax_minor FROM credit_note WHERE id = :id")
            taxes.append(await session.scalar(asked, {"id": made}))
    assert taxes == [0, 219, 0]


async def test_the_last_day_of_credit_is_one_of_the_clients_calendar(
    issuing: Market,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def in_new_york(_: object) -> str:
        return "America/New_York"

    await grant(issuing, 400, expires_on=date(2026, 4, 10))
    monkeypatch.setattr("billing.time_zone.load_time_zone", in_new_york)
    used, last = [], datetime(2026, 4, 11, 3, 30, tzinfo=NOW.tzinfo)  # half past eleven at night there
    for now in (last, last + timedelta(hours=1)):
        async with issuing.as_client() as session:
            used.append(await draw_credit(session, "EUR", 100, new_id(), now=now, new_id=new_id))
            used.append(await expire_credit(session, now, new_id=new_id))
    assert used == [100, 0, 0, 1]
