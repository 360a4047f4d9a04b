"""The fake behaves as Stripe does, through the official SDK: each test names a behaviour that programs rely on."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.support.stripe_fake import Fault, Faults, StripeFake
from tests.support.stripe_fake.description import kinds, operations
from tests.support.stripe_fake.transport import client_of

DAY = 86400
SECRET = "whsec_fake"


class Clock:
    def __init__(self) -> None:
        self.at = time.time()

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> StripeFake:
    return StripeFake(clock=clock)


@pytest.fixture
def v1(fake: StripeFake) -> Any:
    return client_of(fake).v1


def _customer(v1: Any, *, card: str = "pm_card_visa") -> Any:
    made = v1.customers.create(
        {"name": "Birch Outfitters", "email": "bo@birch.example", "metadata": {"fairlead_id": "b"}}
    )
    method = v1.payment_methods.attach(card, {"customer": made.id})
    return v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": method.id}})


def _invoice(v1: Any, customer: str, *amounts: int, finalize: bool = True, **values: Any) -> Any:
    made = v1.invoices.create(
        {
            "customer": customer,
            "auto_advance": False,
            "pending_invoice_items_behavior": "exclude",
            "currency": "eur",
            **values,
        }
    )
    for amount in amounts or (1000,):
        v1.invoice_items.create({"customer": customer, "invoice": made.id, "amount": amount, "currency": "eur"})
    return v1.invoices.finalize_invoice(made.id) if finalize else v1.invoices.retrieve(made.id)


def _code(call: Callable[[], Any]) -> str:
    with pytest.raises(stripe.StripeError) as refused:
        call()
    return str(refused.value.code)


def test_every_blank_resource_fits_its_own_description() -> None:
    assert len(operations()) > 140
    for kind in kinds().values():
        kind.validator.validate(kind.blank())


def test_fields_that_stripe_removed_are_not_in_the_description() -> None:
    gone = {
        "invoice": {"subscription", "payment_intent", "charge", "paid", "paid_out_of_band", "tax", "discount"},
        "payment_intent": {"invoice"}, "charge": {"invoice"}, "credit_note": {"refund", "tax_amounts"},
        "line_item": {"price", "plan", "proration", "type", "invoice_item", "subscription_item", "tax_amounts"},
        "invoiceitem": {"price", "unit_amount"},
    }  # fmt: skip
    for name, fields in gone.items():
        assert not fields & set(kinds()[name].schema["properties"]), name


def test_prices(v1: Any) -> None:
    product = v1.products.create({"name": "Fairlead"})
    meter = v1.billing.meters.create(
        {"display_name": "Syncs", "event_name": "sync", "default_aggregation": {"formula": "sum"}}
    )
    metered = {"interval": "month", "usage_type": "metered"}
    common = {"product": product.id, "currency": "eur"}
    price = v1.prices.create({**common, "unit_amount_decimal": "0.25", "recurring": {**metered, "meter": meter.id}})
    assert price.unit_amount_decimal == Decimal("0.25")
    assert isinstance(price.unit_amount_decimal, Decimal)
    assert not isinstance(price, dict)
    assert _code(lambda: v1.prices.create({**common, "unit_amount": 1, "recurring": metered})) == "parameter_missing"
    old = {**metered, "meter": meter.id, "aggregate_usage": "sum"}
    assert _code(lambda: v1.prices.create({**common, "unit_amount": 1, "recurring": old})) == "parameter_unknown"
    v1.prices.create({**common, "unit_amount": 1, "lookup_key": "k"})
    assert _code(lambda: v1.prices.create({**common, "unit_amount": 2, "lookup_key": "k"})) == "resource_already_exists"
    moved = v1.prices.create({**common, "unit_amount": 2, "lookup_key": "k", "transfer_lookup_key": True})
    assert [one.id for one in v1.prices.list({"lookup_keys": ["k"]}).data] == [moved.id]


def test_invoice_from_draft_to_paid(fake: StripeFake, v1: Any) -> None:
    customer = _customer(v1)
    draft = _invoice(v1, customer.id, 1000, 950, finalize=False)
    assert (draft.status, draft.total, draft.auto_advance) == ("draft", 1950, False)
    assert _code(lambda: v1.invoices.void_invoice(draft.id)) == "invoice_not_open"
    opened = v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.amount_remaining, "payments" in opened) == ("open", 1950, False)
    assert _code(lambda: v1.invoices.finalize_invoice(draft.id)) == "invoice_not_editable"
    assert (
        _code(lambda: v1.invoice_items.create({"customer": customer.id, "invoice": draft.id, "amount": 1}))
        == "invoice_not_editable"
    )
    assert v1.invoices.pay(draft.id).status == "paid"
    assert _code(lambda: v1.invoices.pay(draft.id)) == "invoice_already_paid"
    expanded = v1.invoices.retrieve(draft.id, {"expand": ["payments.data.payment.payment_intent", "customer"]})
    intent = expanded.payments.data[0].payment.payment_intent
    assert (intent.status, expanded.customer.name) == ("succeeded", "Birch Outfitters")
    back = v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent.id}})
    assert [one.invoice for one in back.data] == [draft.id]
    assert _code(lambda: v1.payment_intents.cancel(intent.id)) == "payment_intent_invalid_parameter"
    events = [event["type"] for event in fake.world.outbox if event["type"].startswith("invoice")]
    assert [one for one in events if one not in {"invoice.updated", "invoiceitem.created"}] == [
        "invoice.created", "invoice.finalized", "invoice_payment.paid", "invoice.paid", "invoice.payment_succeeded",
    ]  # fmt: skip


def test_declined_card_leaves_the_invoice_open(fake: StripeFake, v1: Any) -> None:
    invoice = _invoice(v1, _customer(v1, card="pm_card_chargeDeclined").id)
    assert _code(lambda: v1.invoices.pay(invoice.id)) == "card_declined"
    after = v1.invoices.retrieve(invoice.id)
    assert (after.status, after.attempt_count, after.amount_remaining) == ("open", 1, 1000)
    assert v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).status == "paid"
    assert "invoice.payment_failed" in [event["type"] for event in fake.world.outbox]


def test_zero_out_of_band_void_and_uncollectible(v1: Any) -> None:
    customer = _customer(v1).id
    assert _invoice(v1, customer, 500, -500).status == "paid"
    by_hand = v1.invoices.pay(_invoice(v1, customer).id, {"paid_out_of_band": True})
    assert (by_hand.status, by_hand.amount_paid, by_hand.amount_paid_off_stripe) == ("paid", 0, 1000)
    assert v1.invoices.void_invoice(_invoice(v1, customer).id).status == "void"
    lost = v1.invoices.mark_uncollectible(_invoice(v1, customer).id)
    assert (lost.status, v1.invoices.pay(lost.id).status) == ("uncollectible", "paid")
    draft = _invoice(v1, customer, finalize=False)
    assert v1.invoices.delete(draft.id).deleted
    assert _code(lambda: v1.invoices.retrieve(draft.id)) == "resource_missing"
    assert _code(lambda: _invoice(v1, customer, collection_method="send_invoice")) == "parameter_missing"


def test_credit_notes_refunds_and_disputes(fake: StripeFake, v1: Any) -> None:
    customer = _customer(v1).id
    note = v1.credit_notes.create({"invoice": _invoice(v1, customer).id, "amount": 300})
    assert (note.pre_payment_amount, v1.invoices.retrieve(note.invoice).amount_remaining) == (300, 700)
    paid = v1.invoices.pay(_invoice(v1, customer).id)
    assert _code(lambda: v1.credit_notes.create({"invoice": paid.id, "amount": 400})) == "credit_note_amounts"
    note = v1.credit_notes.create({"invoice": paid.id, "amount": 400, "refund_amount": 400})
    refund = v1.refunds.retrieve(note.refunds[0].refund)
    assert (refund.status, refund.amount, note.type) == ("succeeded", 400, "post_payment")
    assert v1.invoices.retrieve(paid.id).post_payment_credit_notes_amount == 400
    assert _code(lambda: v1.refunds.create({"charge": refund.charge, "amount": 601})) == "amount_too_large"
    fake.acts.fail_refund(refund.id)
    assert v1.refunds.retrieve(refund.id).status == "failed"
    dispute = fake.acts.dispute(refund.charge)
    assert _code(lambda: v1.refunds.create({"charge": refund.charge})) == "charge_disputed"
    fake.acts.end_dispute(dispute["id"], won=True)
    entries = v1.balance_transactions.list({"limit": 100}).data
    payout = fake.acts.pay_out()
    assert (
        sum(one.net for one in v1.balance_transactions.list({"payout": payout["id"], "limit": 100}).data)
        == payout["amount"]
    )
    assert sum(one.net for one in entries) == payout["amount"]


def test_meter_events_have_a_window_and_unique_identifiers(fake: StripeFake, clock: Clock, v1: Any) -> None:
    customer = _customer(v1).id
    meter = v1.billing.meters.create(
        {"display_name": "Syncs", "event_name": "sync", "default_aggregation": {"formula": "sum"}}
    )

    def send(identifier: str, *, who: str = customer, value: str = "3", at: float = 0) -> Any:
        payload = {"value": value, "stripe_customer_id": who}
        moment = int(clock.at + at)
        return v1.billing.meter_events.create(
            {"event_name": "sync", "payload": payload, "identifier": identifier, "timestamp": moment}
        )

    assert send("a").identifier == "a"
    assert _code(lambda: send("a")) == "duplicate_meter_event"
    assert _code(lambda: send("old", at=-35 * DAY - 60)) == "timestamp_out_of_range"
    assert _code(lambda: send("new", at=301)) == "timestamp_out_of_range"
    assert (send("edge", at=-35 * DAY).identifier, send("soon", at=300).identifier) == ("edge", "soon")
    send("lost", who="cus_none")
    send("odd", value="three")
    codes = [event["data"]["reason"]["error_types"][0]["code"] for event in fake.world.outbox if event.get("_thin")]
    assert codes == ["meter_event_customer_not_found", "meter_event_invalid_value"]
    start = int(clock.at) // 3600 * 3600
    window = {
        "customer": customer,
        "start_time": start - 36 * DAY,
        "end_time": start + 7200,
        "value_grouping_window": "hour",
    }
    rows = v1.billing.meters.event_summaries.list(meter.id, {**window, "limit": 100}).data
    assert sum(one.aggregated_value for one in rows) == 9
    v1.billing.meter_event_adjustments.create({"event_name": "sync", "type": "cancel", "cancel": {"identifier": "a"}})
    clock.at += DAY + 1
    assert send("edge").identifier == "edge"  # the identifier is free again: our own key must prevent it
    v1.billing.meters.deactivate(meter.id)
    assert send("archived").identifier == "archived"
    assert fake.world.outbox[-1]["data"]["reason"]["error_types"][0]["code"] == "archived_meter"


def test_idempotency_keys(fake: StripeFake, v1: Any) -> None:
    first = v1.customers.create({"name": "a"}, {"idempotency_key": "k1"})
    assert v1.customers.create({"name": "a"}, {"idempotency_key": "k1"}).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        v1.customers.create({"name": "b"}, {"idempotency_key": "k1"})
    account = v1.accounts.create({"type": "standard"}).id
    other = v1.customers.create({"name": "b"}, {"idempotency_key": "k1", "stripe_account": account})
    assert other.id != first.id


def test_faults(fake: StripeFake, v1: Any) -> None:
    def made(name: str) -> int:
        return sum(one.get("name") == name for one in fake.world.platform.of_kind("customer"))

    fake.faults.queue = [Fault.LOST]
    v1.customers.create({"name": "lost"})
    assert made("lost") == 1
    fake.faults.queue = [Fault.THROTTLED]
    with pytest.raises(stripe.RateLimitError):
        v1.customers.create({"name": "throttled"})
    assert made("throttled") == 0
    for fault, effect in ((Fault.BROKEN, 0), (Fault.BROKEN_AFTER, 1)):
        fake.faults.queue = [fault]
        for _ in range(2):  # also when the same key is sent again
            with pytest.raises(stripe.APIError):
                v1.customers.create({"name": fault}, {"idempotency_key": fault.value})
        assert made(fault) == effect
    runs = [[Faults(5, 0.5).next("POST") for _ in range(40)] for _ in range(2)]
    assert runs[0] == runs[1]


def test_wrong_requests_are_refused(v1: Any) -> None:
    customer = _customer(v1).id
    assert (
        _code(lambda: v1.invoices.create({"customer": customer, "collection_method": "by_post"})) == "parameter_invalid"
    )
    assert _code(lambda: v1.invoices.create({"customer": customer, "colour": "red"})) == "parameter_unknown"
    assert _code(lambda: v1.customers.retrieve("cus_nope")) == "resource_missing"
    assert _code(lambda: v1.account_links.create({"type": "account_onboarding"})) == "parameter_missing"
    assert (
        _code(lambda: v1.invoices.retrieve(_invoice(v1, customer).id, {"expand": ["subscription"]}))
        == "property_not_expandable"
    )


def test_lists_are_paged_filtered_and_searched(clock: Clock, v1: Any) -> None:
    made = []
    for number in range(23):
        made.append(v1.customers.create({"name": f"c{number}", "metadata": {"fairlead_id": str(number)}}).id)
        clock.at += 10
    first = v1.customers.list({})
    assert ([one.id for one in first.data], first.has_more) == (made[:-11:-1], True)
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
    before = v1.customers.list({"ending_before": made[0], "limit": 2})
    assert [one.id for one in before.data] == [made[2], made[1]]
    recent = v1.customers.list({"created": {"gte": int(clock.at) - 30}})
    assert [one.id for one in recent.data] == made[:-4:-1]
    query = {"query": "metadata['fairlead_id']:'3'"}
    assert [one.id for one in v1.customers.search(query).data] == [made[3]]
    assert v1.customers.search({"query": "metadata['fairlead_id']:'22'"}).data == []  # found a minute later


def test_connected_accounts_are_separate(fake: StripeFake) -> None:
    platform: Any = client_of(fake)
    account = platform.v1.accounts.create({"country": "DE", "email": "nora@northbeam.example"})
    link = {
        "account": account.id,
        "type": "account_onboarding",
        "return_url": "https://a.test",
        "refresh_url": "https://a.test",
    }
    assert platform.v1.account_links.create(link).url != platform.v1.account_links.create(link).url
    assert "external_account" in platform.v1.accounts.retrieve(account.id).requirements.currently_due
    fake.acts.onboard(account.id)
    assert platform.v1.accounts.retrieve(account.id).charges_enabled
    connected = client_of(fake, account=account.id).v1
    customer = _customer(connected)
    assert _code(lambda: platform.v1.customers.retrieve(customer.id)) == "resource_missing"
    paid = connected.invoices.pay(_invoice(connected, customer.id, 10_000, application_fee_amount=250).id)
    assert paid.status == "paid"
    assert [(fee.account, fee.amount) for fee in platform.v1.application_fees.list({}).data] == [(account.id, 250)]
    assert {event.get("account") for event in fake.world.outbox if event["type"].startswith("invoice")} == {account.id}
    with pytest.raises(stripe.PermissionError):
        client_of(fake, account="acct_other").v1.customers.list({})


def test_checkout_and_portal(fake: StripeFake, v1: Any) -> None:
    customer = v1.customers.create({"name": "a"}).id
    session = v1.checkout.sessions.create(
        {"mode": "setup", "customer": customer, "success_url": "https://a.test", "currency": "eur"}
    )
    method = fake.acts.complete_checkout(session.id)
    found = v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (found.status, found.url, found.setup_intent.payment_method) == ("complete", None, method["id"])
    assert [one.card.last4 for one in v1.customers.payment_methods.list(customer).data] == ["4242"]
    assert v1.billing_portal.sessions.create({"customer": customer}).url.startswith("https://")
    tax = v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE123456789"})
    assert (tax.country, tax.verification.status) == ("DE", "pending")


def test_webhooks_are_signed(fake: StripeFake, clock: Clock, v1: Any) -> None:
    client = client_of(fake)
    customer = v1.customers.create({"name": "a"})
    v1.billing.meters.create({"display_name": "Syncs", "event_name": "sync", "default_aggregation": {"formula": "sum"}})
    v1.billing.meter_events.create({"event_name": "sync", "payload": {"value": "1", "stripe_customer_id": "cus_x"}})
    *_, thin = (sent := list(fake.deliverer().take()))
    head = sent[0].headers(SECRET)["stripe-signature"]
    event = client.construct_event(sent[0].body, head, SECRET)
    assert (event.type, event.data.object["id"], v1.events.retrieve(event.id).id) == (
        "customer.created",
        customer.id,
        event.id,
    )
    for body, moment in ((sent[0].body + b" ", None), (sent[0].body, int(time.time()) - 400)):
        late = sent[0].headers(SECRET, at=moment)["stripe-signature"]
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(body, late, SECRET)
    thin_head = thin.headers(SECRET)["stripe-signature"]
    with pytest.raises(ValueError, match=r"thin|notification"):
        client.construct_event(thin.body, thin_head, SECRET)
    notification = client.parse_event_notification(thin.body, thin_head, SECRET)
    assert notification.type == "v1.billing.meter.error_report_triggered"
    assert notification.fetch_event().data.reason.error_count == 1


def test_deliveries_come_twice_late_and_in_any_order() -> None:
    def run() -> list[str]:
        fake = StripeFake(clock=lambda: 1_800_000_000.0)
        v1 = client_of(fake).v1
        deliverer = fake.deliverer(seed=7, twice=0.3, late=0.3, never=0.1, shuffle=True)
        taken = []
        for number in range(30):
            v1.customers.create({"name": str(number)})
            taken += [json.loads(one.body)["id"] for one in deliverer.take()]
        return taken + [json.loads(one.body)["id"] for one in deliverer.take(last=True)]

    seen = run()
    assert seen == run()
    assert len(seen) > len(set(seen)) < 30
    assert sorted(seen) != seen
