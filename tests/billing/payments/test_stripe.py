"""Invoices at Stripe: after any lost answer, each object exists once and every total is ours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from billing.payments.port import (
    AmountRefused,
    PayingClient,
    ProviderBusy,
    ProviderRefused,
    ProviderUncertain,
    PushedCredit,
    PushedInvoice,
    PushedLine,
    PushedTax,
    RemoteInvoice,
    TotalsDiffer,
)
from billing.payments.requests import ProviderCall, RequestLog
from billing.stripe.adapter import StripeProvider
from billing.stripe.amounts import amount_in, amount_out, part_out
from billing.stripe.convert import remote_invoice
from billing.stripe.hooks import verify_hook
from foundation.database.engine import Database
from foundation.errors import Conflict, Unauthenticated
from foundation.ids import new_id
from tests.conftest import make_scope
from tests.support.stripe_fake import Fault, Faults, StripeFake
from tests.support.stripe_fake.transport import client_of

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


class Shop:
    """An MSP's account at the fake. `now` is the product's clock."""

    def __init__(self, db: Database, fake: StripeFake) -> None:
        self.db, self.fake, self.now = db, fake, MARCH
        self.scope = make_scope()
        log = RequestLog(db, self.scope, new_id(), lambda: self.now)
        self.provider = StripeProvider(client_of(fake, retries=0), log, "retail")
        self.client = PayingClient(new_id(), "Birch Outfitters")

    def invoice(self, *amounts: int) -> PushedInvoice:
        end = MARCH + timedelta(days=31)
        lines = [PushedLine(new_id(), "Verified updates", one, MARCH, end) for one in amounts]
        return PushedInvoice(new_id(), self.client.client_id, "EUR", sum(amounts), lines)

    async def push(self, invoice: PushedInvoice, *, times: int = 60) -> RemoteInvoice:
        """Push as the job does: repeatedly until it is complete."""
        for _ in range(times):
            try:
                customer = await self.provider.put_customer(self.client)
                return await self.provider.push_invoice(invoice, customer)
            except (ProviderUncertain, ProviderBusy):
                self.now += timedelta(hours=7)
        raise AssertionError("never done")

    def count(self, kind: str) -> int:
        return len(list(self.fake.world.platform.of_kind(kind)))


@pytest.fixture
def shop(db: Database) -> Shop:
    return Shop(db, StripeFake())


async def test_each_object_is_created_once_despite_failures(db: Database) -> None:
    for seed in range(4):
        shop = Shop(db, StripeFake(faults=Faults(seed, 0.3)))
        invoices = [shop.invoice(1000, 950), shop.invoice(1)]
        pushed = [await shop.push(one) for one in invoices]
        assert [(one.status, one.total_minor, one.invoice_id) for one in pushed] == [
            ("open", one.total_minor, one.invoice_id) for one in invoices
        ], seed
        assert [shop.count(kind) for kind in ("customer", "invoice", "invoiceitem")] == [1, 2, 3], seed


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BROKEN, Fault.BROKEN_AFTER])
async def test_a_retry_a_week_later_finds_the_created_object(shop: Shop, fault: Fault) -> None:
    shop.fake.faults.queue = [fault]
    with pytest.raises(ProviderUncertain):
        await shop.provider.put_customer(shop.client)
    shop.fake.world.platform.keys.clear()  # Stripe has forgotten the key
    shop.now += timedelta(days=7)
    made = await shop.provider.put_customer(shop.client)
    assert (await shop.provider.put_customer(shop.client), shop.count("customer")) == (made, 1)


async def test_a_key_has_one_content_and_a_refusal_stays(shop: Shop) -> None:
    invoice = shop.invoice(500, 20)
    pushed = await shop.push(invoice)
    renamed = PayingClient(shop.client.client_id, "Another name", "pay@birch.example")
    customer = await shop.provider.put_customer(renamed)
    assert [one["email"] for one in shop.fake.world.platform.of_kind("customer")] == ["pay@birch.example"]
    with pytest.raises(Conflict):
        await shop.provider.push_invoice(msgspec.structs.replace(invoice, lines=invoice.lines[:1]), customer)
    for _ in range(2):
        with pytest.raises(ProviderRefused):  # no payment method
            await shop.provider.collect(invoice.invoice_id, pushed.external_id, attempt=1)


async def test_another_total_than_ours_is_not_finalised(shop: Shop) -> None:
    with pytest.raises(TotalsDiffer):
        await shop.push(msgspec.structs.replace(shop.invoice(1000), total_minor=999))
    assert [one["status"] for one in shop.fake.world.platform.of_kind("invoice")] == ["draft"]


async def test_tax_is_pushed_as_it_was_rated_here(shop: Shop) -> None:
    invoice = shop.invoice(1003, 1003)
    taxed = [msgspec.structs.replace(line, tax_minor=tax) for line, tax in zip(invoice.lines, (191, 190), strict=True)]
    tax = PushedTax(Decimal("19.000"), "S", "VAT")
    pushed = await shop.push(msgspec.structs.replace(invoice, lines=taxed, total_minor=2387, tax=tax))
    assert (pushed.status, pushed.total_minor, pushed.payment_url[:8]) == ("open", 2387, "https://")
    (made,) = shop.fake.world.platform.of_kind("invoice")
    assert [(one["amount"], one["taxable_amount"]) for one in made["total_taxes"]] == [(381, 2006)]
    assert (await shop.provider.settle_elsewhere(invoice.invoice_id, pushed.external_id)).status == "paid"


async def test_paid_credited_and_disputed(shop: Shop) -> None:
    invoice = shop.invoice(2000)
    pushed = await shop.push(invoice)
    shop.fake.acts.pay_hosted(pushed.external_id)
    credited = await shop.provider.credit(pushed.external_id, PushedCredit(new_id(), 200))
    assert (credited.credited_minor, credited.refunded_minor) == (200, 0), "kept as a balance here"
    credited = await shop.provider.credit(pushed.external_id, PushedCredit(new_id(), 300, refunds=True))
    assert (credited.status, credited.paid_minor, credited.credited_minor, credited.refunded_minor) == (
        "paid", 2000, 500, 300,
    )  # fmt: skip
    charge = next(iter(shop.fake.world.platform.of_kind("charge")))
    dispute = shop.fake.acts.dispute(charge["id"])
    found = await shop.provider.read_invoice(pushed.external_id)
    assert found is not None
    assert found.disputed_minor == 2000
    assert [(one.status, one.amount_minor) for one in found.disputes] == [("needs_response", 2000)]
    assert await shop.provider.find_invoice_of(dispute["id"]) == pushed.external_id


async def test_another_account_shares_no_requests(shop: Shop, db: Database) -> None:
    await shop.provider.put_customer(shop.client)
    count = text("SELECT count(*) FROM payment_request")
    async with db.transaction(make_scope()) as session:
        assert await session.scalar(count) == 0
    async with db.transaction(shop.scope) as session:
        assert await session.scalar(count) == 1


def test_webhooks_are_verified() -> None:
    fake = StripeFake()
    v1: Any = client_of(fake).v1
    made = v1.customers.create({"name": "a"})
    sent = next(iter(fake.deliverer().take()))
    head = sent.headers("whsec_new")["stripe-signature"]
    notice = verify_hook(sent.body, head, ["whsec_old", "whsec_new"])
    assert (notice.type, notice.object_id) == ("customer.created", made.id)
    for body, secrets in ((sent.body + b" ", ["whsec_new"]), (sent.body, ["whsec_old"]), (b"[]", ["whsec_new"])):
        with pytest.raises(Unauthenticated):
            verify_hook(body, head, secrets)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_blocks_no_request(shop: Shop, status: int) -> None:
    shop.fake.refuse_next(status, "api_key_expired", "Expired API Key provided")
    with pytest.raises(ProviderRefused):
        await shop.provider.put_customer(shop.client)
    await shop.provider.put_customer(shop.client)
    assert shop.count("customer") == 1


async def test_a_key_in_use_is_no_refusal(shop: Shop) -> None:
    shop.fake.refuse_next(409, "idempotency_key_in_use", "There is currently another in-progress request")
    with pytest.raises(ProviderUncertain):
        await shop.provider.put_customer(shop.client)
    await shop.provider.put_customer(shop.client)
    assert shop.count("customer") == 1


async def test_a_refused_request_is_sent_again_on_request(shop: Shop) -> None:
    shop.fake.refuse_next(402, "account_problem", "Activate your account")
    with pytest.raises(ProviderRefused):
        await shop.provider.put_customer(shop.client)
    with pytest.raises(ProviderRefused):
        await shop.provider.put_customer(shop.client)
    again = replace(shop.provider, log=replace(shop.provider.log, reopens=True))
    assert await again.put_customer(shop.client) == await shop.provider.put_customer(shop.client)
    assert shop.count("customer") == 1
    keys = {key for method, path, _, key in shop.fake.requests if (method, path) == ("POST", "/v1/customers")}
    assert len(keys) == 2, "Stripe answers a key as before"


async def test_a_reopened_request_keeps_its_key_while_no_answer_comes(shop: Shop) -> None:
    """After a lost answer another key could make a second object."""
    answers: list[Exception] = [ProviderRefused("no"), ProviderUncertain(), ProviderUncertain()]
    keys: list[str] = []

    async def send(key: str) -> dict[str, object]:
        keys.append(key)
        raise answers.pop(0)

    async def find() -> None:
        return None

    call = ProviderCall("refund:1", {"amount": 5}, send, find)
    with pytest.raises(ProviderRefused):
        await shop.provider.log.send(call)
    shop.now += timedelta(days=2)
    with pytest.raises(ProviderUncertain):
        await replace(shop.provider.log, reopens=True).send(call)
    shop.now += timedelta(seconds=3)
    with pytest.raises(ProviderUncertain):
        await shop.provider.log.send(call)
    assert (keys[0] != keys[1], keys[1] == keys[2]) == (True, True)


async def test_a_customer_deleted_at_stripe_is_made_again(shop: Shop) -> None:
    first = await shop.provider.put_customer(shop.client)
    del shop.fake.world.platform.objects[first]
    second = await shop.provider.put_customer(shop.client)
    assert (await shop.provider.put_customer(shop.client), second != first) == (second, True)


async def test_a_draft_of_a_deleted_customer_is_made_again(shop: Shop) -> None:
    """From every intermediate state, and after a change of the application fee."""
    for done in range(1, 5):  # customer, its name, draft, lines
        invoice, platform = shop.invoice(500, 20), shop.fake.world.platform
        shop.fake.faults.queue = [None] * (2 * done) + [Fault.THROTTLED] * 9
        with pytest.raises(ProviderBusy):
            await push_once(shop, invoice)
        shop.fake.faults.queue = []
        for gone in list(platform.of_kind("customer")):
            del platform.objects[gone["id"]]
        shop.provider = replace(shop.provider, fee_basis_points=100 * done)
        pushed = await shop.push(invoice)
        assert (pushed.status, pushed.total_minor) == ("open", 520), done


async def push_once(shop: Shop, invoice: PushedInvoice) -> RemoteInvoice:
    return await shop.provider.push_invoice(invoice, await shop.provider.put_customer(shop.client))


async def test_a_key_that_was_used_for_another_content_is_not_used_again(shop: Shop) -> None:
    """The answer to the first request was lost, and the object is not listed yet."""
    invoice = shop.invoice(500)
    customer = await shop.provider.put_customer(shop.client)
    shop.fake.faults.queue = [Fault.LOST]
    with pytest.raises(ProviderUncertain):
        await shop.provider.push_invoice(invoice, customer)
    hidden = next(iter(shop.fake.world.platform.of_kind("invoice")))
    del shop.fake.world.platform.objects[hidden["id"]]
    dearer = replace(shop.provider, fee_basis_points=250)
    with pytest.raises(ProviderUncertain):
        await dearer.push_invoice(invoice, customer)
    shop.fake.world.platform.objects[hidden["id"]] = hidden
    assert (await dearer.push_invoice(invoice, customer)).external_id == hidden["id"]


async def test_a_credit_is_at_most_what_the_invoice_has_there(shop: Shop) -> None:
    invoice = shop.invoice(600)
    pushed = await shop.push(invoice)
    notes = [new_id(), new_id()]
    for _ in range(2):
        credited = await shop.provider.credit(pushed.external_id, PushedCredit(notes[0], 1000))
        credited = await shop.provider.credit(pushed.external_id, PushedCredit(notes[1], 50))
    assert (credited.status, credited.credited_minor, shop.count("credit_note")) == ("paid", 600, 1)


async def test_a_credit_refunds_what_was_paid_there_only(shop: Shop) -> None:
    invoice = shop.invoice(600)
    pushed = await shop.push(invoice)
    await shop.provider.settle_elsewhere(invoice.invoice_id, pushed.external_id)
    credited = await shop.provider.credit(pushed.external_id, PushedCredit(new_id(), 100, refunds=True))
    assert (credited.credited_minor, credited.refunded_minor) == (100, 0)


async def test_a_payment_without_a_payment_intent_is_read(shop: Shop) -> None:
    invoices = [shop.invoice(600), shop.invoice(600)]
    for invoice, kind in zip(invoices, ("payment_record", "charge"), strict=True):
        pushed = await shop.push(invoice)
        shop.fake.acts.pay_hosted(pushed.external_id)
        charge = list(shop.fake.world.platform.of_kind("charge"))[-1]
        payment = list(shop.fake.world.platform.of_kind("invoice_payment"))[-1]
        payment["payment"] = {"type": kind, kind: charge["id"]}
        shop.fake.acts.refund(charge["id"], 100)
        found = await shop.provider.read_invoice(pushed.external_id)
        assert found is not None
        assert (found.paid_minor, found.refunded_minor) == (600, 100 if kind == "charge" else 0)


def test_a_dispute_counts_while_its_money_is_with_the_payer() -> None:
    """By its entries in the balance: an inquiry moves none, and an appeal may have any state."""
    moved = {"appeal_under_review": [-900], "won": [-900, 900], "warning_under_review": [], "lost": [-900]}
    disputes = [
        SimpleNamespace(
            amount=1000, status=status, balance_transactions=[SimpleNamespace(amount=one) for one in entries]
        )
        for status, entries in moved.items()
    ]
    fake = StripeFake()
    v1: Any = client_of(fake).v1
    customer = v1.customers.create({"name": "a"})
    invoice = v1.invoices.create({"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3})
    assert remote_invoice(invoice, disputes=disputes).disputed_minor == 2000


@pytest.mark.parametrize(
    ("currency", "minor", "there"),
    [
        ("EUR", 1234, 1234),
        ("JPY", 12, 12),
        ("ISK", 12, 1200),
        ("UGX", 12, 1200),
        ("MGA", 1200, 12),
        ("KWD", 1230, 1230),
    ],
)
def test_amounts_have_the_digits_that_stripe_counts(currency: str, minor: int, there: int) -> None:
    assert (amount_out(minor, currency), amount_in(there, currency)) == (there, minor)


@pytest.mark.parametrize(("currency", "minor"), [("MGA", 1210), ("TND", 1234)])
def test_an_amount_that_stripe_cannot_take_is_refused(currency: str, minor: int) -> None:
    with pytest.raises(AmountRefused):
        amount_out(minor, currency)
    assert part_out(1_000_000, 1234, currency) % 10 in {0, 4}


async def test_texts_may_change_between_two_attempts(shop: Shop) -> None:
    """Translated texts may change between two attempts."""
    invoice = shop.invoice(500)
    await shop.push(invoice)
    line = msgspec.structs.replace(invoice.lines[0], description="Geprüfte Aktualisierungen")
    pushed = await shop.push(msgspec.structs.replace(invoice, lines=[line]))
    assert (pushed.status, pushed.total_minor) == ("open", 500)
