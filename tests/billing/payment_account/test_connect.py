"""An MSP connects its own account at Stripe: set up on Stripe's pages, charged directly, its webhooks routed to it."""

from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from stripe import WebhookSignature

from tests.billing.collection.selling import sell
from tests.billing.collection.test_collection import send, work
from tests.billing.payment_methods.test_methods import follow
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
from tests.support.stripe_fake.product import PLATFORM_SETTINGS, services_on_stripe, stripe_fake  # noqa: F401 - fixtures
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PATH = "/api/v1/payment-account"
CONNECT = {"provider": "stripe", "connects": True}


async def deliver(web_app: WebApp, mine: MspSetup, env: ClientEnv, fake: StripeFake) -> list[str]:
    """Deliver all events to the platform's endpoint; returns the statuses of its answers."""
    http, answers = web_app.visit(mine.host).http, []
    for one in fake.deliverer(seed=4, twice=0.4, shuffle=True).take(last=True):
        headers = one.headers(PLATFORM_SETTINGS.signing_secret)
        answer = await http.post("/payment-hooks/connect", content=one.body, headers=headers)
        assert answer.status_code == 200, answer.text
        answers.append(str(answer.json()["status"]))
    await work(env)
    return answers


async def test_an_msp_connects_its_account_and_a_client_pays_it_directly(  # noqa: PLR0917 - fixtures
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake, other_env: ClientEnv
) -> None:
    assert (await admin.post(f"{_PATH.removeprefix('/api/v1')}", {"provider": "connect"})).status_code == 303
    waiting = (await admin.api("GET", _PATH)).json()
    assert (waiting["connected"], waiting["account"], waiting["webhook_path"]) == (True, "", "")
    assert "Set up at Stripe" in (await admin.get("/payment-account")).text
    invoice_id = await sell(env)
    invoice = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    await send(admin, invoice)
    await work(env)
    assert (await admin.api("GET", invoice)).json()["collection"] is None, "nothing is collected before the set-up"
    first = await follow(admin, "/payment-account/connect")
    second = await admin.api("POST", f"{_PATH}/links")
    assert (await admin.get(urlsplit(second.json()["url"]).path)).headers["location"] != first
    (made,) = [one for one in fake.world.platform.of_kind("account") if one["metadata"]]
    assert first.startswith(f"https://connect.stripe.test/setup/{made['id']}/")
    fake.acts.onboard(made["id"], still_due=("external_account",))
    assert (await admin.get("/payment-account/returned")).status_code == 303
    await work(env)
    shown = (await admin.api("GET", _PATH)).json()
    assert (shown["account"], shown["can_charge"], shown["requirements"]) == (made["id"], False, ["external_account"])
    assert "external_account" in (await admin.get("/payment-account")).text
    fake.acts.onboard(made["id"])
    assert "new" in await deliver(web_app, msp_setup, env, fake)
    assert (await admin.api("GET", _PATH)).json()["can_charge"] is True
    assert (await admin.api("POST", f"{invoice}/collection")).status_code == 202
    await work(env)
    at = (await admin.api("GET", invoice)).json()["collection"]
    store = fake.world.accounts[made["id"]]
    assert (at["status"], at["external_id"] in store.objects) == ("open", True)
    fake.acts.pay_hosted(at["external_id"], account=made["id"])
    await deliver(web_app, msp_setup, env, fake)
    assert (await admin.api("GET", invoice)).json()["invoice"]["state"] == "paid"
    (charge,) = store.of_kind("charge")
    assert charge["application_fee_amount"] == at["total_minor"] * 150 // 10_000 > 0
    await the_fee_follows_refunds(admin, web_app, env, msp_setup, fake, invoice, account=made["id"])
    await not_of_another(web_app, fake, other_env, msp_setup)


async def the_fee_follows_refunds(  # noqa: PLR0917 - the parts of the story
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake, invoice: str, *, account: str
) -> None:
    """Refunds made at Stripe and here count together for the refundable rest and the operator's share."""
    at = (await admin.api("GET", invoice)).json()["collection"]
    (charge,) = fake.world.accounts[account].of_kind("charge")
    fee = fake.world.platform.objects[charge["application_fee"]]
    total = charge["amount"]

    def share(held: int) -> int:
        return int(fee["amount"] - fee["amount"] * held // total)

    fake.acts.refund(charge["id"], 300, account=account)  # in Stripe's dashboard
    await deliver(web_app, msp_setup, env, fake)
    assert (at["total_minor"], fee["amount_refunded"]) == (total, share(total - 300))
    small = {"reason": "Too much", "net_minor": 100}
    assert (await admin.api("POST", f"{invoice}/refunds", small)).status_code == 201
    rest = {"reason": "The rest", "net_minor": (total - 300) * 100 // 119}
    refused = await admin.api("POST", f"{invoice}/refunds", rest)
    assert refused.status_code == 409, "what was asked for waits, and the dashboard's refund is no answer to it"
    await work(env)
    await deliver(web_app, msp_setup, env, fake)
    assert charge["amount_refunded"] > 300
    assert fee["amount_refunded"] == share(total - charge["amount_refunded"])
    assert (await admin.api("GET", "/api/v1/payment-differences")).json()["items"] == []


async def not_of_another(web_app: WebApp, fake: StripeFake, other_env: ClientEnv, mine: MspSetup) -> None:
    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.get("/payment-account/connect")).status_code == 409
    assert (await stranger.api("PUT", _PATH, CONNECT)).status_code == 200
    async with other_env.services.db.transaction(other_env.msp_account) as session:
        assert await session.scalar(text("SELECT count(*) FROM payment_event")) == 0
        assert await session.scalar(text("SELECT count(*) FROM payment_account WHERE external_id <> ''")) == 0
    async with other_env.services.db.transaction(None) as session:
        assert await session.scalar(text("SELECT count(*) FROM payment_account")) == 0
    approver = await web_app.signed_in(mine.host, mine.approver)
    assert (await approver.get("/payment-account/connect")).status_code == 404


async def test_a_webhook_of_an_unknown_account_or_secret_is_not_stored(
    web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    http = web_app.visit(msp_setup.host).http
    body = '{"id": "evt_9", "object": "event", "type": "invoice.paid", "account": "acct_x", "data": {"object": {}}}'
    for secret, status in ((PLATFORM_SETTINGS.signing_secret, 200), ("whsec_other7777", 400)):
        head = WebhookSignature.generate_signature_header(body, secret)
        answer = await http.post("/payment-hooks/connect", content=body.encode(), headers={"stripe-signature": head})
        assert answer.status_code == status, answer.text
        assert status == 400 or answer.json() == {"status": "ignored"}
    async with env.services.db.transaction(env.msp_account) as session:
        assert await session.scalar(text("SELECT count(*) FROM payment_event")) == 0
