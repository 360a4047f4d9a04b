"""Plans and subscriptions over the API and on pages: previews of charges, and isolation."""

import pytest

from billing.jobs import rate_client
from billing.sides import Side
from foundation.clock import utc_now
from tests.billing.conftest import Market
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
PLAN = {
    "code": "basic", "name": "Basic <b>", "currency": "EUR", "fee": "30", "seat_price": "2.50", "seat_name": "Users",
    "interval": "month", "timing": "advance", "add_on_code_1": "backup", "add_on_name_1": "Backup",
    "add_on_price_1": "4", "cycles_1": "1", "phase_fee_1": "10", "trial_days": "", "prorates_true_up": "on",
}  # fmt: skip


async def test_an_msp_makes_a_plan_and_subscribes_a_client_after_seeing_what_it_charges(  # noqa: PLR0915 - one story
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    market = Market(env.services.db, env.msp_account, env.scope, now=utc_now())
    await market.open_book(Side.RETAIL)
    refused = await admin.post("/plans/new", PLAN | {"code": "Basic plan"})
    assert (refused.status_code, "such as basic" in refused.text, 'value="2.50"' in refused.text) == (422, True, True)
    assert (await admin.post("/plans/new", PLAN)).status_code == 303
    assert (await admin.post("/plans/new", PLAN)).status_code == 409
    [plan] = (await admin.api("GET", "/api/v1/plans")).json()["items"]
    page = f"/plans/{plan['id']}"
    assert "Backup" in (await admin.get(page)).text
    form = await admin.get(f"{page}/new")
    assert [text in form.text for text in ('value="2.5"', 'value="backup"', 'name="code"')] == [True, True, False]
    assert (await admin.post(f"{page}/new", PLAN | {"fee": "33"})).status_code == 303
    found = (await admin.api("GET", f"/api/v1/plans/{plan['id']}")).json()
    assert [one["terms"]["fee"] for one in found["versions"]] == ["33", "30"]

    root = f"/clients/{msp_setup.slug}/subscriptions"
    wanted = {"plan": "basic", "quantity": "4", "periods": "anniversary"}
    foreseen = await admin.post(f"{root}/new", wanted)
    assert (foreseen.status_code, "10.00" in foreseen.text) == (200, True), foreseen.text
    assert (await admin.api("GET", f"/api/v1{root}")).json()["items"] == []
    assert (await admin.post(f"{root}/new", wanted | {"confirmed": "on"})).status_code == 303
    [one] = (await admin.api("GET", f"/api/v1{root}")).json()["items"]
    assert (one["state"], one["quantity"], one["plan"]["number"]) == ("active", 4, 2)

    here = f"{root}/{one['id']}"
    raised = {"kind": "change", "quantity": "6", "when": "now", "add_on_backup": "1", "credits": "on"}
    shown = await admin.post(f"{here}/steps", raised)
    assert (shown.status_code, 'name="confirmed"' in shown.text) == (200, True), shown.text
    assert (await admin.post(f"{here}/steps", raised | {"confirmed": "on"})).status_code == 303
    end = await admin.api("POST", f"/api/v1{here}/steps", {"kind": "cancel"})
    assert (end.status_code, end.json()["state"]) == (201, "cancelling")
    undo = f"{here}/steps/{end.json()['steps'][-1]['id']}/undo"
    assert (await admin.post(undo, {})).status_code == 303
    assert (await admin.post(undo, {})).status_code == 409
    async with env.services.db.transaction(env.scope) as session:
        await rate_client(session, utc_now())
    assert (await admin.api("GET", f"/api/v1/clients/{msp_setup.slug}/invoices")).json()["items"]

    client = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    seen = await client.get(here)
    assert (seen.status_code, "Basic &lt;b&gt;" in seen.text, "What to do" in seen.text) == (200, True, False)
    assert (await client.post(f"{here}/steps", raised)).status_code in {403, 404}
    assert (await client.api("GET", "/api/v1/plans")).status_code in {403, 404}

    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    for path in (here, page, f"/subscriptions/{one['id']}"):
        assert (await stranger.get(path)).status_code == 404, path
    for path in (f"/api/v1{here}", f"/api/v1{page}"):
        assert (await stranger.api("GET", path)).status_code == 404, path
    assert (await stranger.post(f"{here}/steps", raised)).status_code == 404
    elsewhere = f"/api/v1/clients/{other.slug}/subscriptions/{one['id']}/steps"
    assert (await stranger.api("POST", elsewhere, {"kind": "pause"})).status_code == 404
    assert (await stranger.api("GET", "/api/v1/subscriptions")).json()["items"] == []
    assert (await stranger.api("GET", "/api/v1/plans")).json()["items"] == []
    assert "basic" not in (await stranger.get(f"/clients/{other.slug}/subscriptions/new")).text

    assert (await admin.post(f"{page}/retire", {})).status_code == 303
    late = await admin.post(f"{root}/new", wanted)
    assert (late.status_code, "No plans yet" in late.text) == (422, True)
