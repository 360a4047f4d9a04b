"""A client's credit over the API and on pages."""

import pytest

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


async def test_credit_is_granted_by_the_msp_and_seen_by_its_client_only(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    path = f"/clients/{msp_setup.slug}/balance"
    body = {"currency": "eur", "amount_minor": 2500, "reason": "agreed"}
    granted = await admin.api("POST", f"/api/v1{path}/grants", body)
    assert granted.status_code == 201, granted.text
    assert granted.json()["balances"] == [{"currency": "EUR", "available_minor": 2500}]
    [grant] = granted.json()["grants"]
    typed = {"kind": "promotional", "amount": "ten", "currency": "EUR", "priority": "1", "reason": "Typed reason"}
    refused = await admin.post(f"{path}/grants", typed)
    assert (refused.status_code, "Enter an amount such as 12.50." in refused.text) == (422, True)
    assert "Typed reason" in refused.text
    assert (await admin.post(f"{path}/grants", {**typed, "amount": "10"})).status_code == 303
    rule = {"rule_currency": "EUR", "low": "5", "top_up": "20"}
    assert (await admin.post(f"{path}/rule", rule)).status_code == 303
    assert (await admin.post(f"{path}/grants/{grant['id']}/withdraw", {"reason": "error"})).status_code == 303
    shown = (await admin.get(path)).text
    assert all(part in shown for part in ("10.00", "Withdrawn", "20.00"))

    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"/api/v1{path}/grants", body)).status_code == 403
    theirs = await set_up_msp(other_env, name="Others")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    assert (await stranger.get(f"/api/v1{path}")).status_code == 404
    own = f"/api/v1/clients/{theirs.slug}/balance"
    taken = await stranger.api("POST", f"{own}/grants/{grant['id']}/withdrawal", {"reason": "x"})
    assert taken.status_code == 404
    assert (await stranger.get(own)).json() == {"balances": [], "grants": [], "moves": [], "rules": []}
