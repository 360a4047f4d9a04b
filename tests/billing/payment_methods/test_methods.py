"""Saved payment methods: entered on the provider's page, charged with the client's consent, removed; isolated."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from tests.billing.collection.selling import sell
from tests.billing.collection.test_collection import STRIPE, deliver, send, work
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
from tests.support.stripe_fake.errors import Refused
from tests.support.stripe_fake.product import services_on_stripe, stripe_fake  # noqa: F401 - fixtures
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def own_member(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    """The client's own administrator."""
    email = f"own-{msp_setup.slug}@example.test"
    await add_member(
        msp_setup.env.services,
        msp_setup.env.scope,
        NewAccountMember(email, "Bo of the client", PASSWORD, "client_admin"),
    )
    return await web_app.signed_in(msp_setup.host, email)


async def follow(visit: Visit, path: str) -> str:
    """Address at the provider to which a link of the page redirects."""
    started = await visit.get(path)
    assert started.status_code == 303, started.text
    opened = await visit.get(urlsplit(started.headers["location"]).path)
    assert opened.status_code == 303, opened.text
    again = await visit.get(urlsplit(started.headers["location"]).path)
    assert again.status_code == 404, "a link opens once"
    return str(opened.headers["location"])


async def save_card(visit: Visit, fake: StripeFake, path: str, card: str = "pm_card_visa") -> dict[str, Any]:
    session = (await follow(visit, f"{path}/add")).rsplit("/", 1)[1]
    return dict(fake.acts.complete_checkout(session, card_token=card))


async def test_a_card_is_saved_chosen_charged_and_removed(  # noqa: PLR0917 - fixtures
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake, other_env: ClientEnv
) -> None:
    path = f"/clients/{msp_setup.slug}/payment-methods"
    assert (await admin.get(f"{path}/add")).status_code == 409  # clients pay outside
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    fake.world.outbox.clear()
    await save_card(admin, fake, path)
    assert await deliver(web_app, msp_setup, env, fake, seed=5, twice=0.5, shuffle=True) == 0
    api = f"/api/v1{path}"
    saved = (await admin.api("GET", api)).json()
    assert [(one["brand"], one["last4"], one["exp_year"], one["is_default"]) for one in saved["methods"]] == [
        ("visa", "4242", 2034, True)
    ]
    second = await save_card(admin, fake, path, "pm_card_mastercard")
    assert (await admin.get(f"{path}/returned")).status_code == 303  # no webhook arrives
    await work(env)
    methods = (await admin.api("GET", api)).json()["methods"]
    assert [(one["last4"], one["is_default"]) for one in methods] == [("4444", True), ("4242", False)]
    page = (await admin.get(path)).text
    assert ("4444" in page, "12/2034" in page, "checkout.stripe" in page) == (True, True, False)
    assert (await admin.post(f"{path}/automatic", {"charges": "on"})).status_code == 403, (
        "the client agrees, nobody else"
    )
    assert "Only a member of the client" in (await admin.get(path)).text
    own = await own_member(web_app, msp_setup)
    assert (await own.post(f"{path}/automatic", {"charges": "on"})).status_code == 303
    invoice_id = await sell(env)
    invoice = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    await send(admin, invoice)
    await work(env)
    paid = (await admin.api("GET", invoice)).json()
    assert (paid["invoice"]["state"], paid["collection"]["charge_attempts"]) == ("paid", 1)
    assert (await admin.post(f"{path}/{second['id']}/remove", {})).status_code == 303
    await work(env)
    assert [one["last4"] for one in (await admin.api("GET", api)).json()["methods"]] == ["4242"]
    assert fake.world.platform.objects[second["id"]]["customer"] is None
    await only_its_own(web_app, other_env, api, methods[1]["external_id"], msp_setup)
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("PUT", f"{api}/automatic", {"charges_automatically": True})).status_code == 403


async def only_its_own(web_app: WebApp, other_env: ClientEnv, api: str, method: str, mine: MspSetup) -> None:
    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.api("GET", api)).status_code == 404
    own = api.replace(mine.slug, other.slug)
    assert (await stranger.api("GET", own)).json()["methods"] == []
    assert (await stranger.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    assert (await stranger.api("DELETE", f"{own}/{method}")).status_code == 404
    async with other_env.services.db.transaction(other_env.scope) as session:
        assert await session.scalar(text("SELECT count(*) FROM payment_profile")) == 0


async def test_a_declined_card_is_charged_again_by_the_rule_and_paid_by_hand(
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    path = f"/clients/{msp_setup.slug}/payment-methods"
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    await save_card(admin, fake, path, "pm_card_chargeCustomerFail")
    assert (await admin.api("POST", f"/api/v1{path}/reading")).status_code == 202
    await work(env)
    refused = await admin.api("PUT", f"/api/v1{path}/automatic", {"charges_automatically": True})
    assert (refused.status_code, "consent-is-the-clients" in refused.text) == (403, True)
    own = await own_member(web_app, msp_setup)
    agreed = await own.api("PUT", f"/api/v1{path}/automatic", {"charges_automatically": True})
    assert agreed.json()["agreed_by"] != ""
    invoice_id = await sell(env)
    invoice = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    await send(admin, invoice)
    waits = []
    for attempt in range(1, 5):
        await work(env)
        at = (await admin.api("GET", invoice)).json()["collection"]
        assert (at["status"], at["charge_attempts"], at["failure"]) == ("open", attempt, "")
        assert "declined" in at["charge_failure"]
        async with env.services.db.transaction(env.scope) as session:
            waits.append(await session.scalar(text("SELECT next_charge_at - charged_at FROM provider_invoice")))
            await session.execute(text("UPDATE provider_invoice SET next_charge_at = now() - interval '1 s'"))
            await session.execute(text("UPDATE job SET ready_at = now() WHERE delayed"))
        if attempt < 4:
            assert "It is charged again" in (await admin.get(f"/clients/{msp_setup.slug}/invoices/{invoice_id}")).text
    assert [wait and round(wait / timedelta(days=1)) for wait in waits] == [3, 5, 7, None]
    hosted = await follow(admin, f"/clients/{msp_setup.slug}/invoices/{invoice_id}/pay")
    assert hosted == fake.world.platform.objects[at["external_id"]]["hosted_invoice_url"]
    link = await admin.api("POST", f"{invoice}/payment-link")
    assert link.status_code == 201, link.text
    fake.acts.pay_hosted(at["external_id"])
    late = await admin.get(urlsplit(link.json()["url"]).path)
    assert late.status_code == 409, "it was paid meanwhile, which the click finds out"
    assert (await admin.api("GET", invoice)).json()["invoice"]["state"] == "paid"
    assert (await admin.api("POST", f"{invoice}/payment-link")).status_code == 409
    portal = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/payment-links", {"kind": "portal"})
    opened = await admin.get(urlsplit(portal.json()["url"]).path)
    assert opened.headers["location"].startswith("https://billing.stripe.test/")


async def test_a_returned_debit_is_charged_again(
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    invoice_id = await sell(env)
    invoice = f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"
    await send(admin, invoice)
    await work(env)
    async with env.services.db.transaction(env.scope) as session:  # an accepted debit in transit
        await session.execute(text("UPDATE provider_invoice SET charge_attempts = 1, charged_at = now()"))
    at = (await admin.api("GET", invoice)).json()["collection"]
    fake.world.outbox.clear()
    with pytest.raises(Refused):
        fake.acts.pay_hosted(at["external_id"], card_token="pm_card_chargeDeclined")
    assert await deliver(web_app, msp_setup, env, fake, seed=2, twice=0.9) == 0
    at = (await admin.api("GET", invoice)).json()["collection"]
    assert (at["charge_failure"], at["charge_attempts"], at["next_charge_at"] is not None) == ("returned", 1, True)
    assert "returned the debit" in (await admin.get(f"/clients/{msp_setup.slug}/invoices/{invoice_id}")).text


async def test_the_sandbox_keeps_cards_and_is_charged(
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup
) -> None:
    path = f"/clients/{msp_setup.slug}/payment-methods"
    own = await own_member(web_app, msp_setup)
    assert (await own.post(f"{path}/automatic", {"charges": "on"})).status_code == 409
    assert (await admin.post(f"{path}/sandbox-card", {})).status_code == 409
    assert (await admin.api("PUT", "/api/v1/payment-account", {"provider": "sandbox"})).status_code == 200
    first = await sell(env)
    await send(admin, f"/api/v1/clients/{msp_setup.slug}/invoices/{first}")
    await work(env)
    for _ in range(2):
        assert (await admin.post(f"{path}/sandbox-card", {})).status_code == 303
    known = (await admin.api("GET", f"/api/v1{path}")).json()["methods"]
    assert [one["is_default"] for one in known] == [True, False]
    assert (await admin.post(f"{path}/{known[1]['external_id']}/default", {})).status_code == 303
    assert (await admin.post(f"{path}/{known[1]['external_id']}/remove", {})).status_code == 303
    assert (await own.post(f"{path}/automatic", {"charges": "on"})).status_code == 303
    shown = (await admin.api("GET", f"/api/v1{path}")).json()
    assert ([one["is_default"] for one in shown["methods"]], shown["charges_automatically"]) == ([True], True)
    invoice = f"/api/v1/clients/{msp_setup.slug}/invoices/{first}"
    assert (await admin.api("POST", f"{invoice}/collection")).status_code == 202
    await work(env)
    assert (await admin.api("GET", invoice)).json()["invoice"]["state"] == "sent", "it was sent before the agreement"
    async with env.services.db.transaction(env.scope) as session:
        agreed = text("UPDATE payment_profile SET agreed_at = :then")
        await session.execute(agreed, {"then": utc_now() - timedelta(days=1)})
    assert (await admin.api("POST", f"{invoice}/collection")).status_code == 202
    await work(env)
    assert (await admin.api("GET", invoice)).json()["invoice"]["state"] == "paid"
