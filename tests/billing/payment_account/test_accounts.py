"""An MSP's payment account: its keys are tested, sealed, never shown, and isolated."""

from typing import Any

import pytest
from sqlalchemy import text

from billing.payment_account.accounts import find_payment_account, open_key
from billing.payment_account.services import PaymentServices
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

_PATH = "/api/v1/payment-account"
KEY, SIGNING = "sk_test_harbour4242", "whsec_harbour7777"
STRIPE = {"provider": "stripe", "secret_key": KEY, "signing_secret": SIGNING}


async def test_keys_are_tried_sealed_and_never_shown(
    admin: Visit, web_app: WebApp, env: ClientEnv, other_env: ClientEnv
) -> None:
    assert (await admin.api("GET", _PATH)).json()["provider"] == "manual"
    saved = await admin.api("PUT", _PATH, STRIPE)
    assert saved.status_code == 200, saved.text
    shown = saved.json()
    assert (shown["mode"], shown["key_hint"], shown["verifies_webhooks"]) == ("test", "sk_test_…4242", True)
    assert shown["account"].startswith("acct_")
    kept = await admin.api("PUT", _PATH, {"provider": "stripe"})
    assert (kept.json()["verifies_webhooks"], kept.json()["account"]) == (True, shown["account"])
    page = await admin.get("/payment-account")
    assert (shown["account"] in page.text, "harbour" in page.text + saved.text) == (True, False)
    payments = env.services.get(PaymentServices)
    async with env.services.db.transaction(env.msp_account) as session:
        account = await find_payment_account(session)
        assert account is not None
        assert await open_key(session, payments, account) == KEY
        assert account.secret_key is not None
        assert KEY.encode() not in account.secret_key
        noted = "SELECT string_agg(body, ' ') FROM audit_entry WHERE tenant_id = :t AND action LIKE 'payment_acc%'"
        audited = await session.scalar(text(noted), {"t": env.msp_account.tenant_id})
        assert (audited.count("acct_"), "harbour" in audited) == (2, False)
    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.api("GET", _PATH)).json()["provider"] == "manual"
    async with env.services.db.transaction(other_env.msp_account) as session:
        assert await session.scalar(text("SELECT count(*) FROM payment_account")) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"provider": "stripe"}, "secret_key"), ({"provider": "stripe", "secret_key": "pk_test_harbour"}, "secret_key"),
        ({"provider": "stripe", "secret_key": "sk_live_harbour"}, "secret_key"),  # the fake has no live mode
        (STRIPE | {"signing_secret": "sk_test_harbour"}, "signing_secret"),
        ({"provider": "sandbox", "secret_key": KEY}, "secret_key"),
    ],
)  # fmt: skip
async def test_wrong_keys_are_refused(admin: Visit, body: dict[str, str], field: str) -> None:
    refused = await admin.api("PUT", _PATH, body)
    assert (refused.status_code, refused.json().get("field")) == (422, field), refused.text
    typed = await admin.post("/payment-account", {"secret_key": "", "signing_secret": ""} | body)
    assert (typed.status_code, "harbour" in typed.text) == (422, False)
    assert (await admin.api("GET", _PATH)).json()["provider"] == "manual"


async def test_the_connection_is_checked_and_another_provider_drops_the_keys(admin: Visit) -> None:
    assert (await admin.api("POST", f"{_PATH}/check")).status_code == 409
    assert (await admin.post("/payment-account", STRIPE)).status_code == 303
    checked = await admin.api("POST", f"{_PATH}/check")
    assert (checked.status_code, checked.json()["checked_at"] is not None) == (200, True)
    assert (await admin.post("/payment-account/check", {})).status_code == 303
    dropped = await admin.api("PUT", _PATH, {"provider": "sandbox"})
    assert (dropped.json()["provider"], dropped.json()["key_hint"]) == ("sandbox", "")
    again = await admin.api("PUT", _PATH, {"provider": "stripe", "secret_key": KEY})
    assert again.json()["verifies_webhooks"] is False


async def test_no_transaction_waits_for_stripe(
    admin: Visit, fake: StripeFake, env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, seen, answer = env.services.db.engine.pool, [], fake.answer

    def watched(*given: Any) -> Any:
        seen.append(pool.checkedout())  # type: ignore[attr-defined]
        return answer(*given)

    monkeypatch.setattr(fake, "answer", watched)
    assert (await admin.api("PUT", _PATH, STRIPE)).status_code == 200
    assert (await admin.post("/payment-account", STRIPE)).status_code == 303
    assert (await admin.api("POST", f"{_PATH}/check")).status_code == 200
    assert (await admin.post("/payment-account/check", {})).status_code == 303
    assert (len(seen), set(seen)) == (4, {0})
    approver = {"authorization": "Bearer none"}
    assert (await admin.http.put(_PATH, json=STRIPE, headers=approver)).status_code in {401, 403}
    assert len(seen) == 4, "nobody without the right tries a key"


async def test_a_clients_member_finds_nothing(web_app: WebApp, msp_setup: MspSetup, fake: StripeFake) -> None:
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    before = len(fake.requests)
    assert (await approver.api("PUT", _PATH, STRIPE)).status_code == 404
    assert len(fake.requests) == before
    assert (await approver.api("PUT", _PATH, {"provider": "sandbox"})).status_code == 404
    assert (await approver.api("GET", _PATH)).status_code == 404
    assert (await approver.get("/payment-account")).status_code == 404
