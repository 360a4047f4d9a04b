"""Coupons over the API and on pages: permissions to create, give and read them."""

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
API = "/api/v1/coupons"
SPRING = {"code": "spring", "name": "Spring", "percent": "12.5", "duration": "months", "months": 3, "max_clients": 1}


async def test_a_coupon_is_given_by_the_msp_and_seen_by_its_client_only(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    assert (await admin.api("POST", API, SPRING)).status_code == 201
    assert (await admin.api("POST", API, SPRING)).status_code == 409
    path = f"/clients/{msp_setup.slug}/coupons"
    given = await admin.api("POST", f"/api/v1{path}", {"code": "SPRING", "reason": "loyal"})
    assert given.status_code == 201, given.text
    [one] = given.json()["coupons"]
    assert (one["code"], one["percent"], one["uses"], one["ended_at"]) == ("SPRING", "12.500", [], None)
    assert [item["clients"] for item in (await admin.get(API)).json()["items"]] == [1]

    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"/api/v1{path}/end", {"code": "SPRING", "reason": "x"})).status_code == 403
    assert (await approver.get("/coupons")).status_code == 404
    theirs = await set_up_msp(other_env, name="Others")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    assert (await stranger.get(API)).json()["items"] == []
    assert (await stranger.get(f"/api/v1{path}")).status_code == 404
    taken = await stranger.api("POST", f"/api/v1/clients/{theirs.slug}/coupons", {"code": "SPRING", "reason": "x"})
    assert taken.status_code == 422


async def test_a_refused_form_of_a_coupon_shows_what_was_typed(admin: Visit, msp_setup: MspSetup) -> None:
    wrong = await admin.post("/coupons", {"code": "OFF", "name": "Typed name", "percent": "ten", "duration": "once"})
    assert wrong.status_code == 422
    assert "Enter a percentage such as 10." in wrong.text
    assert "Typed name" in wrong.text
    assert (
        await admin.post("/coupons", {"code": "SPRING", "name": "Spring", "percent": "12.5", "duration": "once"})
    ).status_code == 303
    path = f"/clients/{msp_setup.slug}/coupons"
    unknown = await admin.post(path, {"code": "NONE", "reason": "loyal"})
    assert (unknown.status_code, "You have no coupon" in unknown.text) == (422, True)
    assert (await admin.post(path, {"code": "SPRING", "reason": "loyal"})).status_code == 303
    assert (await admin.post(f"{path}/end", {"code": "SPRING", "reason": "over"})).status_code == 303
    assert "over" in (await admin.get(path)).text
    assert (await admin.post("/coupons/retire", {"code": "SPRING"})).status_code == 303
