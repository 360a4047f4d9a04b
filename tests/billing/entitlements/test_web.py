"""Plan and limits on pages and over the API: permissions, and the texts of refusals."""

from datetime import timedelta

import pytest

from billing.periods import month_of
from billing.sides import Side
from foundation.audit.chain import append_audit
from foundation.clock import utc_now
from tenants.audit_actions import TenantAction
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


async def test_a_limit_of_a_client_is_set_on_the_page_and_refuses_the_next_key(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    root = f"/clients/{msp_setup.slug}"
    api = f"/api/v1{root}/entitlements"
    assert "Connections" in (await admin.get(f"{root}/plan")).text
    wrong = await admin.post(f"{root}/plan", {"feature": "api_keys", "use": "on", "hard_limit": "two"})
    assert (wrong.status_code, "whole number" in wrong.text) == (422, True)
    made = await admin.post(f"{root}/plan", {"feature": "api_keys", "use": "on", "hard_limit": "1", "soft_limit": ""})
    assert made.status_code == 303, made.text
    key = {"name": "Reader", "role": "client_viewer"}
    assert (await admin.api("POST", f"/api/v1{root}/api-keys", key)).status_code == 201
    refused = await admin.api("POST", f"/api/v1{root}/api-keys", key)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/plan-limit-reached")
    assert (refused.json()["limit"], refused.json()["used"]) == (1, 1)
    assert "Nearly all that the plan allows" in (await admin.get(f"{root}/plan")).text

    client = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    shown = await client.api("GET", api)
    [keys] = [one for one in shown.json()["items"] if one["feature"] == "api_keys"]
    assert (keys["hard_limit"], keys["used"], keys["source"]) == (1, 1, "client")
    assert (await client.api("POST", api, {"feature": "api_keys", "hard_limit": 9})).status_code == 403
    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.api("GET", api)).status_code == 404
    assert (await stranger.api("POST", api, {"feature": "api_keys", "hard_limit": 9})).status_code == 404


async def test_exports_of_lists_are_limited_in_a_month(web_app: WebApp, admin: Visit, msp_setup: MspSetup) -> None:
    root, csv = f"/clients/{msp_setup.slug}", {"Accept": "text/csv"}
    assert (await admin.get(f"{root}/members.csv")).status_code == 200
    async with web_app.services.db.transaction(msp_setup.env.scope) as session:
        last_month = month_of(utc_now()).start - timedelta(seconds=1)
        append_audit(session, action=TenantAction.LIST_EXPORTED, subject="list:members", data={}, at=last_month)
    limit = {"feature": "exports", "hard_limit": 2}
    assert (await admin.api("POST", f"/api/v1{root}/entitlements", limit)).status_code == 200
    assert (await admin.http.get(f"/api/v1{root}/members", headers=csv)).status_code == 200
    for path in (f"/api/v1{root}/members", f"{root}/members.csv"):
        refused = await admin.http.get(path, headers={"Accept": "text/csv, application/problem+json"})
        assert (refused.status_code, refused.json()["used"]) == (409, 2), path
        assert "Wait for the next month" in refused.json()["detail"]
    assert (await admin.api("GET", f"/api/v1{root}/members")).status_code == 200
    shown = (await admin.get(f"{root}/plan")).text
    assert "Exports of lists per month" in shown
    assert "Exports of lists per month</a>" not in shown
    for own in ("/fleet.csv", "/inbox.csv"):
        assert (await admin.get(own)).status_code == 200, "not of the client"
    partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    assert (await partner.get(f"{root}/channel.csv")).status_code == 409


async def test_defaults_of_a_price_book_and_the_plan_form(
    web_app: WebApp, admin: Visit, env: ClientEnv, other_env: ClientEnv
) -> None:
    market = Market(env.services.db, env.msp_account, env.scope, now=utc_now())
    book_id = await market.open_book(Side.RETAIL)
    page, api = f"/prices/books/{book_id}/limits", f"/api/v1/price-books/{book_id}/entitlements"
    assert "any number of everything" in (await admin.get(page)).text
    assert (await admin.post(page, {"feature": "webhooks", "use": "off"})).status_code == 303
    [rule] = (await admin.api("GET", api)).json()["items"]
    assert (rule["feature"], rule["is_on"]) == ("webhooks", False)
    assert (await admin.api("POST", api, {"feature": "rockets"})).status_code == 422
    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    for method, body in (("GET", None), ("POST", {"feature": "webhooks"})):
        assert (await stranger.api(method, api, body)).status_code == 404
    assert (await stranger.get(page)).status_code == 404

    form = {
        "code": "team", "name": "Team", "currency": "EUR", "fee": "10", "interval": "month", "timing": "advance",
        "most_connections": "3", "seat_members": "1", "use_single_sign_on": "off",
    }  # fmt: skip
    assert (await admin.post("/plans/new", form)).status_code == 303
    [plan] = (await admin.api("GET", "/api/v1/plans")).json()["items"]
    assert plan["versions"][0]["terms"]["entitlements"] == [
        {"feature": "members", "per_seat": 1}, {"feature": "single_sign_on", "is_on": False},
        {"feature": "connections", "limit": 3},
    ]  # fmt: skip
    assert "3 connections" in (await admin.get(f"/plans/{plan['id']}")).text
    again = await admin.get(f"/plans/{plan['id']}/new")
    assert 'name="most_connections" value="3"' in " ".join(again.text.split()) or 'value="3"' in again.text
    bad = {"code": "bad", "name": "Bad", "currency": "EUR", "fee": "1", "entitlements": [{"feature": "rockets"}]}
    assert (await admin.api("POST", "/api/v1/plans", bad)).status_code == 422
