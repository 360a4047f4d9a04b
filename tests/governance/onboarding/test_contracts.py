"""Data ownership: the report of gaps, contracts of several elements at once, and the editor of one."""

import pytest

from canonical.elements import PRICE, STOCK
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def drop_contracts(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM element_contract")


async def test_reported_values_without_an_owner_are_listed_and_assigned_at_once(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    await drop_contracts(env)
    await env.deliver(env.change("SKU-001", PRICE, 1000), env.change("SKU-001", STOCK, 7))
    await env.work(settle=0.5)
    api, page = f"/api/v1/clients/{msp_setup.slug}/contracts", f"/clients/{msp_setup.slug}/contracts"
    gaps = (await admin.api("GET", f"{api}/report")).json()["items"]
    assert [(gap["element"], gap["problem"], gap["held"]) for gap in gaps] == [
        (PRICE, "no_owner", 1), (STOCK, "no_owner", 1),
    ]  # fmt: skip
    shown = await admin.get(page)
    assert shown.text.count("No owner") == 2
    nothing = await admin.post(f"{page}/assign", {"source_connection_id": str(env.erp)})
    assert nothing.status_code == 422
    form = {"element": [PRICE, STOCK], "source_connection_id": str(env.erp)}
    assert (await admin.post(f"{page}/assign", form)).status_code == 303  # type: ignore[arg-type]
    listed = (await admin.api("GET", api)).json()["items"]
    assert {(one["element"], one["owner"], one["sensitivity"]) for one in listed} == {
        (PRICE, "Pricing", "internal"), (STOCK, "Operations", "internal"),
    }  # fmt: skip
    await env.work(settle=0.5)
    assert (await admin.api("GET", f"{api}/report")).json()["items"] == []
    assert (await env.rows("SELECT count(*) FROM held_observation")) == [(0,)]


async def test_one_wrong_element_assigns_none(admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
    await drop_contracts(env)
    api = f"/api/v1/clients/{msp_setup.slug}/contracts"
    body = {"elements": [PRICE, "stock.nothing"], "source_connection_id": str(env.erp), "owner": "Ada"}
    refused = await admin.api("POST", f"{api}/assignments", body)
    assert (refused.status_code, refused.json()["field"]) == (422, "element")
    assert (await admin.api("GET", api)).json()["items"] == []
    made = await admin.api("POST", f"{api}/assignments", body | {"elements": [PRICE]})
    assert (made.status_code, made.json()["elements"]) == (200, [PRICE])
    [one] = (await admin.api("GET", api)).json()["items"]
    assert one["owner"] == "Ada"


async def test_a_contract_is_edited_with_everything_that_it_has(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    page, api = f"/clients/{msp_setup.slug}/contracts", f"/api/v1/clients/{msp_setup.slug}/contracts"
    form = await admin.get(f"{page}/edit?element={PRICE}&selector=")
    assert 'value="Pricing"' in form.text
    typed = {
        "element": PRICE, "selector": "", "source_connection_id": str(env.erp), "owner": "Finance",
        "sensitivity": "confidential", "publish_seconds": "60", "decide_hours": "2", "expire_hours": "24",
        "correct_hours": "8",
    }  # fmt: skip
    refused = await admin.post(f"{page}/edit", typed | {"owner": " ", "publish_seconds": "61"})
    assert refused.status_code == 422
    assert 'id="f-owner-error"' in refused.text
    assert 'value="61"' in refused.text
    assert (await admin.post(f"{page}/edit", typed)).status_code == 303
    [one] = (await admin.api("GET", f"{api}?element={PRICE}")).json()["items"]
    assert (one["owner"], one["sensitivity"], one["propagation_slo"], one["approval_ttl"], one["version"]) == (
        "Finance", "confidential", "PT60S", "P1D", 2,
    )  # fmt: skip
    body = {"element": PRICE, "source_connection_id": str(env.erp), "owner": "Finance"}
    assert (await admin.api("POST", api, body)).status_code == 201
    [kept] = (await admin.api("GET", f"{api}?element={PRICE}")).json()["items"]
    assert kept["sensitivity"] == "confidential"


async def test_a_part_without_a_default_is_a_gap(admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
    await drop_contracts(env)
    api = f"/api/v1/clients/{msp_setup.slug}/contracts"
    body = {"element": STOCK, "selector": "record_key=WH-*", "source_connection_id": str(env.erp), "owner": "Ada"}
    assert (await admin.api("POST", api, body)).status_code == 201
    [gap] = (await admin.api("GET", f"{api}/report")).json()["items"]
    assert (gap["element"], gap["problem"]) == (STOCK, "partly_owned")


async def test_ownership_is_the_accounts_own(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    for path in (f"/clients/{other.slug}/contracts", f"/clients/{other.slug}/contracts/edit"):
        assert (await admin.get(path)).status_code == 404
    api = f"/api/v1/clients/{other.slug}/contracts"
    assert (await admin.api("GET", f"{api}/report")).status_code == 404
    body = {"elements": [PRICE], "source_connection_id": None}
    assert (await admin.api("POST", f"{api}/assignments", body)).status_code == 404
    foreign = {"elements": [PRICE], "source_connection_id": str(other_env.erp)}
    own = f"/api/v1/clients/{msp_setup.slug}/contracts/assignments"
    assert (await admin.api("POST", own, foreign)).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get(f"/clients/{msp_setup.slug}/contracts")).status_code == 200
    assert (await approver.get(f"/clients/{msp_setup.slug}/contracts/edit")).status_code == 403
