"""A client's own prices in place of the common ones: the page of the wizard's step, and the API."""

import pytest

from governance.propagation.meters import VERIFIED_DELIVERIES
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
METER = VERIFIED_DELIVERIES.name


async def plan_of(visit: Visit, slug: str) -> str:
    found = (await visit.api("GET", f"/api/v1/clients/{slug}/onboarding")).json()
    return next(str(step["state"]) for step in found["steps"] if step["step"] == "plan")


async def test_an_admin_sets_prices_of_one_client_on_its_page_and_over_the_api(
    admin: Visit, msp_setup: MspSetup
) -> None:
    page, api = f"/clients/{msp_setup.slug}/prices", f"/api/v1/clients/{msp_setup.slug}/prices"
    assert "No prices of its own" in (await admin.get(page)).text
    for wrong in ({"unit_price": "cheap"}, {"unit_price": "-1"}, {"included": "-1"}, {"valid_from": "2026-13-01"}):
        refused = await admin.post(page, {"meter": METER, "unit_price": "0.05"} | wrong)
        assert refused.status_code == 422
        assert f'id="f-{next(iter(wrong))}-error"' in refused.text
    assert (await admin.api("GET", api)).json() == {"own": [], "common": []}
    made = await admin.post(page, {"meter": METER, "unit_price": "0,05", "included": "1000"})
    assert made.status_code == 303, made.text
    [own] = (await admin.api("GET", api)).json()["own"]
    assert (own["terms"]["unit_price"], own["terms"]["included"], own["meter"]) == ("0.05000000", "1000", METER)
    assert await plan_of(admin, msp_setup.slug) == "done"
    later = {"client": msp_setup.slug, "meter": METER, "unit_price": "0.04", "valid_from": "2199-01-01T00:00:00Z"}
    second = await admin.api("POST", "/api/v1/prices", later)
    assert second.status_code == 201, second.text
    assert second.json()["book_id"] == own["book_id"]
    assert [one["valid_to"] for one in (await admin.api("GET", api)).json()["own"]] == ["2199-01-01T00:00:00Z", None]
    assert (await admin.api("POST", "/api/v1/prices", later)).status_code == 409


async def test_the_step_leads_to_a_plan_and_says_that_one_is_chosen(admin: Visit, msp_setup: MspSetup) -> None:
    root = f"/clients/{msp_setup.slug}"
    assert (await admin.post(f"{root}/prices", {"meter": METER, "unit_price": "0.05"})).status_code == 303
    step = await admin.get(f"{root}/onboarding/plan")
    assert (f"{root}/subscriptions/new" in step.text, "A plan is chosen" in step.text) == (True, False)
    [book] = (await admin.api("GET", "/api/v1/price-books")).json()["items"]
    plan = {"code": "basic", "name": "Basic", "currency": book["currency"], "fee": "10"}
    assert (await admin.api("POST", "/api/v1/plans", plan)).status_code == 201
    made = await admin.api("POST", f"/api/v1{root}/subscriptions", {"plan": "basic"})
    assert made.status_code == 201, made.text
    assert "A plan is chosen" in (await admin.get(f"{root}/onboarding/plan")).text
    ended = {"kind": "cancel", "when": "now"}
    here = f"/api/v1{root}/subscriptions/{made.json()['id']}/steps"
    assert (await admin.api("POST", here, ended)).status_code == 201
    assert "A plan is chosen" not in (await admin.get(f"{root}/onboarding/plan")).text


async def test_prices_of_a_client_are_its_msps_own(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    price = {"client": msp_setup.slug, "meter": METER, "unit_price": "0.01"}
    assert (await foreign.api("POST", "/api/v1/prices", price)).status_code == 404
    assert (await foreign.get(f"/clients/{msp_setup.slug}/prices")).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get(f"/clients/{msp_setup.slug}/prices")).status_code == 403
    assert (await approver.post(f"/clients/{msp_setup.slug}/prices", {})).status_code == 403
