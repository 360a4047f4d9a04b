"""Invoices at Stripe: whatever answer is lost, each object is made once and every total is ours."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from billing.payments.port import (
    PayingClient,
    ProviderBusy,
    ProviderRefused,
    ProviderUncertain,
    PushedInvoice,
    PushedLine,
    PushedTax,
    RemoteInvoice,
    TotalsDiffer,
)
from billing.payments.requests import RequestLog
from billing.stripe.adapter import StripeProvider
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
        """As a job would: again until it is done."""
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


async def test_each_object_is_made_once_whatever_happens(db: Database) -> None:
    for seed in range(4):
        shop = Shop(db, StripeFake(faults=Faults(seed, 0.3)))
        invoices = [shop.invoice(1000, 950), shop.invoice(1)]
        pushed = [await shop.push(one) for one in invoices]
        assert [(one.status, one.total_minor, one.invoice_id) for one in pushed] == [
            ("open", one.total_minor, one.invoice_id) for one in invoices
        ], seed
        assert [shop.count(kind) for kind in ("customer", "invoice", "invoiceitem")] == [1, 2, 3], seed


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BROKEN, Fault.BROKEN_AFTER])
async def test_a_retry_of_next_week_finds_what_was_made(shop: Shop, fault: Fault) -> None:
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
    tax = PushedTax(Decimal("19.000"), "S")
    pushed = await shop.push(msgspec.structs.replace(invoice, lines=taxed, total_minor=2387, tax=tax))
    assert (pushed.status, pushed.total_minor, pushed.payment_url[:8]) == ("open", 2387, "https://")
    (made,) = shop.fake.world.platform.of_kind("invoice")
    assert [(one["amount"], one["taxable_amount"]) for one in made["total_taxes"]] == [(381, 2006)]
    assert (await shop.provider.settle_elsewhere(invoice.invoice_id, pushed.external_id)).status == "paid"


async def test_paid_credited_and_disputed(shop: Shop) -> None:
    invoice = shop.invoice(2000)
    pushed = await shop.push(invoice)
    shop.fake.acts.pay_hosted(pushed.external_id)
    credited = await shop.provider.credit(pushed.external_id, 300, note_id=new_id())
    assert (credited.status, credited.paid_minor, credited.credited_minor, credited.refunded_minor) == (
        "paid", 2000, 300, 300,
    )  # fmt: skip
    charge = next(iter(shop.fake.world.platform.of_kind("charge")))
    dispute = shop.fake.acts.dispute(charge["id"])
    found = await shop.provider.read_invoice(pushed.external_id)
    assert found is not None
    assert found.disputed_minor == 2000
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
