"""Pages, files and API of profit and revenue, for the MSP's members only."""

import pytest

from tests.billing.collection.selling import sell
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_members_of_the_msp_see_profit_and_revenue(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    assert "Nothing in this month" in (await admin.get("/profit")).text
    assert "No revenue yet" in (await admin.get("/revenue")).text
    await sell(env)
    for by in ("client", "book", "product"):
        page = await admin.get(f"/profit?month=2026-03&by={by}&client={msp_setup.slug}")
        assert (page.status_code, "11.50" in page.text, ">As of <time" in page.text) == (200, True, True), by
        file = await admin.get(f"/profit.csv?month=2026-03&by={by}")
        assert "11.50" in file.text
    [row] = (await admin.api("GET", "/api/v1/profit?month=2026-03")).json()["rows"]
    assert (row["key"], row["revenue"], row["uncosted"]) == (str(env.scope.tenant_id), "11.50", "11.50")
    assert (await admin.get("/profit?by=colour")).status_code == 422
    assert (await admin.get("/profit?client=nobody")).status_code == 422
    page = await admin.get("/revenue?month=2026-03&of=invoiced")
    assert "13.69" in page.text
    assert "2026-03,EUR,11.50" in (await admin.get("/revenue.csv?month=2026-03")).text
    assert (await admin.api("GET", "/api/v1/revenue?month=2026-03&of=invoiced")).json()["movements"][0]["kind"] == "new"
    assert (await admin.get("/revenue?month=x")).status_code == 422
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    for path in ("/profit", "/profit.csv", "/revenue", "/revenue.csv", "/api/v1/profit", "/api/v1/revenue"):
        assert (await approver.get(path)).status_code in {403, 404}
