"""Collection of sent invoices by Stripe: pushed, paid, refunded, disputed; events twice, late or never."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from stripe import WebhookSignature

from billing.collection.apply import apply_remote
from billing.collection.lists import DRIFT
from billing.collection.sandbox import pay_in_sandbox
from billing.invoices.settle import NewCredit, create_credit_note
from billing.payments.port import RemoteInvoice, TotalsDiffer
from billing.payments.provider_invoices import clear_failure, write_failure
from foundation.clock import utc_now
from foundation.errors import Conflict
from foundation.ids import new_id
from foundation.marks import N_
from tests.billing.collection.selling import sell
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_web_app,
)
from tests.support.stripe_fake import StripeFake
from tests.support.stripe_fake.product import services_on_stripe, stripe_fake  # noqa: F401 - fixtures
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGNING = "whsec_harbour7777"
STRIPE = {"provider": "stripe", "secret_key": "sk_test_harbour4242", "signing_secret": SIGNING}


async def work(env: ClientEnv) -> None:
    """Run the jobs of the MSP account, then those of the client, which the former enqueue."""
    await replace(env, scope=env.msp_account).work(settle=0.1)
    await env.work(settle=0.1)


async def send(admin: Visit, path: str) -> dict[str, Any]:
    sent = await admin.api("POST", f"{path}/acts", {"act": "send"})
    assert sent.status_code == 200, sent.text
    return dict(sent.json())


async def deliver(web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, fake: StripeFake, **faults: Any) -> int:
    """Deliver the webhooks of the fake; returns the number of refused deliveries."""
    http = web_app.visit(msp_setup.host).http
    refused = 0
    for one in fake.deliverer(**faults).take(last=True):
        answer = await http.post(
            f"/payment-hooks/{env.scope.msp_id}", content=one.body, headers=one.headers(faults.get("secret", SIGNING))
        )
        refused += answer.status_code != 200
    await work(env)
    return refused


async def test_an_invoice_is_pushed_paid_refunded_and_disputed(  # noqa: PLR0915, PLR0917 - fixtures, one story
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake, other_env: ClientEnv
) -> None:
    invoice_id = await sell(env)
    path = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    await send(admin, path)
    await work(env)
    shown = (await admin.api("GET", path)).json()
    at = shown["collection"]
    assert (at["status"], at["total_minor"], at["failure"]) == ("open", shown["invoice"]["gross_minor"], "")
    page = (await admin.get(f"/clients/{msp_setup.slug}/invoices/{invoice_id}")).text
    pay_now = f'/clients/{msp_setup.slug}/invoices/{invoice_id}/pay"'
    assert (pay_now in page, at["payment_url"] in page) == (True, False)
    fake.world.outbox.clear()
    fake.acts.pay_hosted(at["external_id"])
    assert await deliver(web_app, msp_setup, env, fake, seed=3, twice=0.5, shuffle=True) == 0
    paid = (await admin.api("GET", path)).json()
    assert (paid["invoice"]["state"], [one["method"] for one in paid["payments"]]) == ("paid", ["stripe"])
    assert pay_now not in (await admin.get(f"/clients/{msp_setup.slug}/invoices/{invoice_id}")).text
    for wrong in ({"reason": "", "net_minor": 100}, {"reason": "Too much", "net_minor": 10**6}):
        assert (await admin.api("POST", f"{path}/refunds", wrong)).status_code in (409, 422)
    refunded = await admin.api("POST", f"{path}/refunds", {"reason": "Too much", "net_minor": 100})
    assert refunded.status_code == 201, refunded.text
    await work(env)
    assert await deliver(web_app, msp_setup, env, fake) == 0
    charge = next(one for one in fake.world.platform.of_kind("charge") if one["amount"] == at["total_minor"])
    after = (await admin.api("GET", path)).json()
    assert (after["invoice"]["state"], after["invoice"]["credited_minor"]) == ("paid", 119)
    assert after["invoice"]["paid_minor"] == at["total_minor"] - 119 == at["total_minor"] - charge["amount_refunded"]
    assert (await admin.api("GET", "/api/v1/payment-differences")).json()["items"] == []
    dispute = fake.acts.dispute(charge["id"])
    assert await deliver(web_app, msp_setup, env, fake) == 0
    disputed = (await admin.api("GET", path)).json()
    assert (disputed["collection"]["disputed_minor"], disputed["invoice"]["state"]) == (charge["amount"], "overdue")
    disputed_page = (await admin.get(f"/clients/{msp_setup.slug}/invoices/{invoice_id}")).text
    for shown in (
        "Dispute: needs an answer", ">Disputed</", "The payer says that they did not authorise the payment.",
        ">Dispute withdrawn</", ">Refund</", ">Payment provider</",
    ):  # fmt: skip
        assert shown in disputed_page
    for hidden in (">Paid</", ">Overdue</", "fraudulent", ">worker</"):
        assert hidden not in disputed_page
    assert ">Disputed</" in (await admin.get(f"/clients/{msp_setup.slug}/invoices")).text
    (listed,) = (await admin.api("GET", "/api/v1/payment-differences")).json()["items"]
    assert (listed["dispute"], listed["paid_minor"]) == ("needs_response", listed["paid_there_minor"])
    fake.acts.end_dispute(dispute["id"], won=True)
    assert await deliver(web_app, msp_setup, env, fake, seed=1, twice=0.5, shuffle=True) == 0
    won = (await admin.api("GET", path)).json()
    assert (won["collection"]["disputed_minor"], won["invoice"]["state"]) == (0, "paid")
    assert [one["status"] for one in won["collection"]["disputes"]] == ["won"]
    assert [one["kind"] for one in won["payments"]] == ["payment", "refund", "dispute_withdrawn", "dispute_returned"]
    assert {one["recorded_by"] for one in won["payments"]} == {"payment-provider"}
    assert (won["invoice"]["is_disputed"], won["invoice"]["refunded_minor"]) == (False, 119)
    assert ">Partly refunded</" in (await admin.get(f"/clients/{msp_setup.slug}/invoices/{invoice_id}")).text
    assert (await admin.api("GET", "/api/v1/payment-differences")).json()["items"] == []
    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    refund = {"reason": "x", "net_minor": 1}
    assert (
        await stranger.api("POST", f"{path.replace(msp_setup.slug, other.slug)}/refunds", refund)
    ).status_code == 404
    assert (await stranger.api("GET", path.replace(msp_setup.slug, other.slug))).status_code == 404
    async with env.services.db.transaction(other_env.scope) as session:
        assert await session.scalar(text("SELECT count(*) FROM provider_invoice")) == 0


async def test_a_part_paid_outside_is_not_collected_as_a_whole(
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    invoice_id = await sell(env)
    path = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    await send(admin, path)
    await work(env)
    before = (await admin.api("GET", path)).json()
    at = before["collection"]
    part = {"paid_on": "2026-04-02", "amount_minor": 400, "reference": "transfer"}
    assert (await admin.api("POST", f"{path}/payments", part)).status_code == 201
    await work(env)
    assert (await admin.api("GET", path)).json()["collection"]["payment_url"] == ""
    shown_page = (await admin.get(f"/clients/{msp_setup.slug}/invoices/{invoice_id}")).text
    assert f'/clients/{msp_setup.slug}/invoices/{invoice_id}/pay"' not in shown_page
    (listed,) = (await admin.api("GET", "/api/v1/payment-differences")).json()["items"]
    assert (listed["left_minor"], listed["left_there_minor"]) == (at["total_minor"] - 400, at["total_minor"])
    # Answers to later requests are applied, however long the last one took; a payment has Stripe's day.
    asked = datetime(2026, 5, 1, 12, tzinfo=UTC)
    remote = RemoteInvoice(
        at["external_id"], invoice_id, env.scope.tenant_id, "open", "EUR", at["total_minor"], number="N-1",
    )  # fmt: skip
    paid = msgspec.structs.replace(remote, status="paid", paid_minor=969, paid_at=datetime(2026, 4, 30, 23, tzinfo=UTC))
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE provider_invoice SET read_at = NULL"))
        await apply_remote(session, invoice_id, remote, asked_at=asked, now=asked + timedelta(minutes=9))
        for state in (paid, remote):
            later = asked + timedelta(minutes=3 if state is paid else 2)
            await apply_remote(session, invoice_id, state, asked_at=later, now=asked + timedelta(minutes=10))
        await write_failure(session, invoice_id, "conflict", "The key of the account is revoked.")
        # An event does not hide the error of the last attempt.
        later = asked + timedelta(minutes=4)
        await apply_remote(session, invoice_id, paid, asked_at=later, now=later)
    payments = (await admin.api("GET", path)).json()["payments"]
    assert {(one["method"], one["paid_on"], one["amount_minor"]) for one in payments} >= {("stripe", "2026-04-30", 969)}
    client = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    shown = [(await one.api("GET", path)).json()["collection"] for one in (admin, client)]
    assert [(one["failure"], one["answer"]) for one in shown] == [
        ("conflict", "The key of the account is revoked."), ("", ""),
    ]  # fmt: skip
    differs = TotalsDiffer(
        N_("Stripe's draft {draft} has the total {theirs}."), params={"draft": "in_1", "theirs": "7"}
    )
    async with env.services.db.transaction(env.scope) as session:
        await write_failure(session, invoice_id, differs.code, problem=differs.reason)
    blocked = (await admin.api("GET", path)).json()["collection"]
    assert (blocked["failure"], blocked["answer"]) == ("payment-totals-differ", "Stripe's draft in_1 has the total 7.")
    # A remaining draft is listed after a while, as is one in transit.
    async with env.services.db.transaction(env.scope) as session:
        await clear_failure(session, invoice_id)
        draft = msgspec.structs.replace(paid, status="draft")
        await apply_remote(session, invoice_id, draft, asked_at=asked + timedelta(hours=1), now=utc_now())
    async with env.services.db.transaction(env.msp_account.for_fleet()) as session:
        found = [await DRIFT.load(session, DRIFT.query(), utc_now() + timedelta(hours=later)) for later in (0, 2)]
    assert [invoice_id in {row.invoice_id for row in page.items} for page in found] == [False, True]


async def test_webhooks_without_a_valid_signature_leave_a_count_only(  # noqa: PLR0917 - fixtures
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake, other_env: ClientEnv
) -> None:
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    http, address = web_app.visit(msp_setup.host).http, f"/payment-hooks/{env.scope.msp_id}"
    body = b'{"id": "evt_1", "object": "event", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}}'
    old = WebhookSignature.generate_signature_header(body.decode(), SIGNING, timestamp=1_700_000_000)
    wrong = WebhookSignature.generate_signature_header(body.decode(), "whsec_other")
    good = WebhookSignature.generate_signature_header(body.decode(), SIGNING)
    for signature, sent in ((old, body), (wrong, body), ("", body), (good, body + b" ")):
        answer = await http.post(address, content=sent, headers={"stripe-signature": signature})
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (400, "payment-hook-refused")
    account = (await admin.api("GET", "/api/v1/payment-account")).json()
    assert (account["refused_webhooks"], account["webhook_path"]) == (4, address)
    answers = [await http.post(address, content=body, headers={"stripe-signature": good}) for _ in range(2)]
    assert [one.json() for one in answers] == [{"status": "new"}, {"status": "duplicate"}]
    elsewhere = body.replace(b"invoice.paid", b"customer.created").replace(b"evt_1", b"evt_2")
    head = WebhookSignature.generate_signature_header(elsewhere.decode(), SIGNING)
    ignored = await http.post(address, content=elsewhere, headers={"stripe-signature": head})
    assert (ignored.status_code, ignored.json()) == (200, {"status": "ignored"})
    other = f"/payment-hooks/{other_env.scope.msp_id}"
    assert (await http.post(other, content=body, headers={"stripe-signature": good})).status_code == 404
    assert (await http.get(address)).status_code == 405
    await work(env)
    async with env.services.db.transaction(env.msp_account) as session:
        states = await session.execute(text("SELECT event_id, state, via FROM payment_event"))
        assert [tuple(row) for row in states] == [("evt_1", "ignored", "webhook")]


async def test_the_sweep_finds_payments_without_a_webhook(
    admin: Visit, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    invoice_id = await sell(env)
    path = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    await send(admin, path)
    await work(env)
    fake.acts.pay_hosted((await admin.api("GET", path)).json()["collection"]["external_id"])
    fake.world.outbox.clear()  # no webhook arrives
    async with env.services.db.transaction(env.msp_account) as session:
        await session.execute(text("UPDATE timer SET due_at = now() WHERE kind = 'billing.sweep_payments'"))
    await work(env)
    assert (await admin.api("GET", path)).json()["invoice"]["state"] == "paid"
    async with env.services.db.transaction(env.msp_account) as session:
        found = "SELECT count(*) FROM payment_event WHERE via = 'sweep' AND state = 'applied'"
        assert int(await session.scalar(text(found)) or 0) > 0
    # Invoices are read again without events: only ours, and a failing one stops no other.
    at, platform = (await admin.api("GET", path)).json()["collection"], fake.world.platform
    charge = next(one for one in platform.of_kind("charge") if one["amount"] == at["total_minor"])
    fake.acts.dispute(list(platform.of_kind("charge"))[-1]["id"])
    assert charge["amount"] == at["total_minor"]
    ours = platform.objects[at["external_id"]]
    for name, metadata in (("in_foreign", {}), ("in_broken", ours["metadata"])):
        platform.objects[name] = {**ours, "id": name, "created": ours["created"] + 1, "metadata": metadata}
    broken = next(one for one in platform.of_kind("invoice_payment") if one["invoice"] == ours["id"])
    platform.objects["inpay_broken"] = {
        **broken, "id": "inpay_broken", "invoice": "in_broken",
        "payment": {**broken["payment"], "payment_intent": "pi_gone"},
    }  # fmt: skip
    for one in list(platform.of_kind("event")):
        del platform.objects[one["id"]]
    fake.world.outbox.clear()
    fake.requests.clear()
    async with env.services.db.transaction(env.msp_account) as session:
        await session.execute(text("UPDATE timer SET due_at = now() WHERE kind = 'billing.sweep_payments'"))
    await work(env)
    assert (await admin.api("GET", path)).json()["collection"]["disputed_minor"] == at["total_minor"]
    asked = {read for _, read, _, _ in fake.requests}
    assert (f"/v1/invoices/{ours['id']}" in asked, "/v1/invoices/in_broken" in asked) == (True, True)
    assert "/v1/invoices/in_foreign" not in asked
    for name in ("in_foreign", "in_broken", "inpay_broken"):
        del platform.objects[name]


async def test_an_invoice_moves_to_the_current_account_on_request(
    admin: Visit, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    invoice_id = await sell(env)
    path = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    assert (await admin.api("POST", f"{path}/collection")).status_code == 409
    assert (await admin.api("PUT", "/api/v1/payment-account", {"provider": "sandbox"})).status_code == 200
    # A credit note written at the same time as the row is part of the earlier settlement, regardless of its time.
    async with env.services.db.transaction(env.scope) as session:
        credit = NewCredit(reason="Too much", net_minor=100)
        await create_credit_note(session, invoice_id, credit, now=utc_now() + timedelta(hours=1), new_id=new_id)
    await send(admin, path)
    await work(env)
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    async with env.services.db.transaction(env.scope) as session:
        with pytest.raises(Conflict):
            await pay_in_sandbox(session, invoice_id, now=utc_now())
    again = await admin.api("POST", f"{path}/credit-notes", {"reason": "Too much", "net_minor": 100})
    assert again.status_code == 201, again.text
    await work(env)
    left = (await admin.api("GET", path)).json()["collection"]
    assert (left["provider"], left["is_current"], left["failure"]) == ("sandbox", False, "payment-other-account")
    assert (await admin.api("POST", f"{path}/collection")).status_code == 202
    await work(env)
    moved = (await admin.api("GET", path)).json()
    at = moved["collection"]
    assert (at["provider"], at["status"], at["is_current"], at["failure"]) == ("stripe", "open", True, "")
    balance = moved["invoice"]["gross_minor"] - 2 * 119
    assert (at["total_minor"], at["credited_minor"], at["payment_url"] != "") == (balance, 0, True)
    # Payments at an earlier account stay there.
    fake.acts.pay_hosted(at["external_id"])
    assert (await admin.api("POST", f"{path}/collection")).status_code == 202
    await work(env)
    assert (await admin.api("PUT", "/api/v1/payment-account", {"provider": "sandbox"})).status_code == 200
    assert (await admin.api("POST", f"{path}/collection")).status_code == 409


async def test_the_sandbox_collects_without_money(
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup
) -> None:
    invoice_id = await sell(env)
    path = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    assert (await admin.api("PUT", "/api/v1/payment-account", {"provider": "sandbox"})).status_code == 200
    await send(admin, path)
    await work(env)
    client = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await client.api("POST", f"{path}/sandbox-payment")).status_code == 403
    assert (await admin.api("GET", path)).json()["collection"]["status"] == "open"
    async with env.services.db.transaction(env.scope) as session:
        await pay_in_sandbox(session, invoice_id, now=utc_now())
        with pytest.raises(Conflict):
            await pay_in_sandbox(session, invoice_id, now=utc_now())
    assert (await admin.api("POST", f"{path}/collection")).status_code == 202
    await work(env)
    paid = (await admin.api("GET", path)).json()
    assert (paid["invoice"]["state"], paid["collection"]["status"]) == ("paid", "paid")
    refund = {"amount": "1.00", "reason": "Too much"}
    assert (await admin.post(f"/clients/{msp_setup.slug}/invoices/{invoice_id}/refunds", refund)).status_code == 303
    back = (await admin.api("GET", path)).json()
    assert [one["amount_minor"] for one in back["payments"]] == [1369, -119]
    assert [one["refunds"] for one in back["credit_notes"]] == [True]
