"""A client's packs over the API and on pages."""

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
PACK = {
    "name": "Twenty", "meter": "sync.verified", "units": "20.5", "price_minor": 180000, "months": 12,
    "reason": "agreed",
}  # fmt: skip


async def test_a_pack_is_sold_by_the_msp_and_seen_by_its_client_only(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    path = f"/clients/{msp_setup.slug}/unit-packs"
    no_prices = await admin.api("POST", f"/api/v1{path}", PACK)
    assert (no_prices.status_code, "no retail prices" in no_prices.text) == (409, True)
    book = {"currency": "EUR", "name": "Retail"}
    assert (await admin.api("POST", "/api/v1/price-books", book)).status_code == 201
    sold = await admin.api("POST", f"/api/v1{path}", PACK)
    assert sold.status_code == 201, sold.text
    [one] = sold.json()["packs"]
    assert (one["left"], one["currency"], one["entries"][0]["kind"]) == ("20.5", "EUR", "sold")
    form = {"name": "Typed name", "meter": "sync.verified", "units": "ten", "price": "10", "reason": "x"}
    refused = await admin.post(path, form)
    assert (refused.status_code, "Typed name" in refused.text) == (422, True)
    assert (await admin.post(path, {**form, "units": "10", "low_units": "2"})).status_code == 303
    assert (await admin.post(f"{path}/{one['id']}/withdraw", {"reason": "error"})).status_code == 303
    shown = (await admin.get(path)).text
    assert all(part in shown for part in ("Typed name", "Withdrawn", "20.5", "1,800.00"))

    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"/api/v1{path}", PACK)).status_code == 403
    theirs = await set_up_msp(other_env, name="Others")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    assert (await stranger.get(f"/api/v1{path}")).status_code == 404
    own = f"/api/v1/clients/{theirs.slug}/unit-packs"
    taken = await stranger.api("POST", f"{own}/{one['id']}/withdrawal", {"reason": "x"})
    assert taken.status_code == 404
    assert (await stranger.get(own)).json() == {"packs": []}
