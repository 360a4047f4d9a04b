"""Data ownership: the report of gaps, contracts of several elements at once, and the editor of one."""

import re

import pytest

from canonical.elements import PRICE, STOCK
from connectors.connection_input import ConnectionChanges
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from governance.connections.change_settings import change_settings
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


async def test_the_channels_of_a_contract_are_chosen(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    page, api = f"/clients/{msp_setup.slug}/contracts", f"/api/v1/clients/{msp_setup.slug}/contracts"
    shop = str(env.channels["shop0"])
    typed = {
        "element": PRICE, "selector": "", "source_connection_id": str(env.erp), "owner": "Finance",
        "publish_seconds": "60", "decide_hours": "2", "expire_hours": "24", "correct_hours": "8",
    }  # fmt: skip
    foreign = {"reach": "chosen", "channel": str(other_env.channels["shop0"])}
    assert (await admin.post(f"{page}/edit", typed | foreign)).status_code == 422
    assert (await admin.post(f"{page}/edit", typed | {"reach": "chosen", "channel": shop})).status_code == 303
    [one] = (await admin.api("GET", f"{api}?element={PRICE}")).json()["items"]
    assert (one["channels"], one["channel_names"]) == ([shop], ["shop0"])
    shown = (await admin.get(f"{page}/edit?element={PRICE}&selector=")).text
    assert re.search(rf'value="{shop}"\s+checked', shown)
    assert "market1" in shown
    body = {"element": PRICE, "source_connection_id": str(env.erp), "owner": "Finance"}
    assert (await admin.api("POST", api, body)).status_code == 201
    [kept] = (await admin.api("GET", f"{api}?element={PRICE}")).json()["items"]
    assert kept["channels"] == [shop], "what a publication does not name stays"
    assert (await admin.api("POST", api, body | {"channels": [str(env.erp)]})).status_code == 422
    assert (await admin.api("POST", api, body | {"all_channels": True})).status_code == 201
    [every] = (await admin.api("GET", f"{api}?element={PRICE}")).json()["items"]
    assert every["channels"] is None


async def test_a_part_without_a_default_is_a_gap(admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
    await drop_contracts(env)
    api = f"/api/v1/clients/{msp_setup.slug}/contracts"
    body = {"element": STOCK, "selector": "record_key=WH-*", "source_connection_id": str(env.erp), "owner": "Ada"}
    assert (await admin.api("POST", api, body)).status_code == 201
    [gap] = (await admin.api("GET", f"{api}/report")).json()["items"]
    assert (gap["element"], gap["problem"]) == (STOCK, "partly_owned")


async def test_each_domain_in_use_needs_a_named_owner(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    page, api = f"/clients/{msp_setup.slug}/contracts", f"/api/v1/clients/{msp_setup.slug}/contracts"

    async def domains() -> dict[str, tuple[str, int, int]]:
        items = (await admin.api("GET", f"{api}/domains")).json()["items"]
        return {one["domain"]: (one["owner"], one["contracts"], one["unnamed"]) for one in items}

    assert list(await domains()) == ["product", "price", "stock", "customer", "reseller", "order", "policy"]
    assert (await domains())["price"] == ("", 2, 2)
    shown = (await admin.get(page)).text
    assert shown.count("No named owner") == 2
    assert "usual team, nobody is named" in shown
    checks = f"/clients/{msp_setup.slug}/onboarding/go_live"
    assert "Nobody is named for 2 data domains in use." in (await admin.get(checks)).text
    assert (await admin.post(f"{page}/domains", {"domain": "price", "owner": "Catalogue"})).status_code == 422
    assert (await admin.api("PUT", f"{api}/domains", {"domain": "moons", "owner": "Ada"})).status_code == 422
    assert (await admin.post(f"{page}/domains", {"domain": "price", "owner": "Ada Moor"})).status_code == 303
    assert (await admin.api("PUT", f"{api}/domains", {"domain": "stock", "owner": "Ben"})).status_code == 204
    assert (await domains())["price"] == ("Ada Moor", 2, 2)
    assert "No named owner" not in (await admin.get(page)).text
    assert "data domains in use" not in (await admin.get(checks)).text
    csv = await admin.get(f"{page}/domains.csv")
    assert [line.split(",")[2] for line in csv.text.splitlines()[1:4]] == ["", "Ada Moor", "Ben"]
    await drop_contracts(env)
    body = {"elements": [PRICE], "source_connection_id": str(env.erp)}
    assert (await admin.api("POST", f"{api}/assignments", body)).status_code == 200
    assert [one["owner"] for one in (await admin.api("GET", api)).json()["items"]] == ["Ada Moor"]
    theirs = (await foreign.api("GET", f"/api/v1/clients/{other.slug}/contracts/domains")).json()["items"]
    assert not any(one["owner"] for one in theirs)
    assert (await foreign.api("PUT", f"{api}/domains", {"domain": "price", "owner": "Eve"})).status_code == 404
    assert (await foreign.get(f"{page}/domains.csv")).status_code == 404
    assert (await admin.api("PUT", f"{api}/domains", {"domain": "stock", "owner": ""})).status_code == 204
    assert (await domains())["stock"] == ("", 0, 0)


async def test_data_shared_with_partners_is_recorded(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    page, api = f"/clients/{msp_setup.slug}/shared-data", f"/api/v1/clients/{msp_setup.slug}/shared-data"
    assert (await admin.api("GET", api)).json()["items"] == []
    [(partner_id, partner)] = await env.rows("SELECT partner_id, name FROM partner")
    channel, *_ = env.channels.values()
    async with env.services.db.transaction(env.scope) as session:
        runtime, given = env.services.get(ConnectorRuntime), ConnectionChanges(partner_id=str(partner_id))
        await change_settings(session, runtime, channel, given, revision=1, now=utc_now())
    shared = (await admin.api("GET", api)).json()["items"]
    assert [(one["partner"], one["connection_id"], one["element"]) for one in shared] == [
        (partner, str(channel), PRICE), (partner, str(channel), STOCK),
    ]  # fmt: skip
    assert {one["granted_by"] for one in shared} == {env.scope.actor.name}
    body = {"elements": [PRICE], "source_connection_id": str(env.erp), "owner": "Ada"}
    assert (await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/contracts/assignments", body)).status_code == 200
    again = (await admin.api("GET", api)).json()["items"]
    for old, new in zip(shared, again, strict=True):
        assert (new["since"] > old["since"]) is (new["element"] == PRICE)
    assert str(partner) in (await admin.get(page)).text
    assert len((await admin.get(f"{page}.csv")).text.splitlines()) == len(shared) + 1
    for path in (page, f"{page}.csv"):
        assert (await foreign.get(path)).status_code == 404
    theirs = (await foreign.api("GET", f"/api/v1/clients/{other.slug}/shared-data")).json()["items"]
    assert not {one["connection_id"] for one in theirs} & {one["connection_id"] for one in shared}


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


async def test_the_editor_sets_who_decides(admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
    page, api = f"/clients/{msp_setup.slug}/contracts", f"/api/v1/clients/{msp_setup.slug}/contracts"
    editor = f"{page}/edit?element={PRICE}&selector="
    await admin.get(editor)
    form = {
        "element": PRICE, "source_connection_id": str(env.erp), "owner": "Pricing", "workflow": "always_approve",
        "sensitivity": "internal", "reach": "all", "publish_seconds": "30", "decide_hours": "24", "correct_hours": "4",
        "expire_hours": "48",
    }  # fmt: skip
    assert (await admin.post(f"{page}/edit", form)).status_code == 303
    assert "A person approves every change" in (await admin.get(page)).text
    assert re.search(r'value="always_approve"\s+selected', (await admin.get(editor)).text)
    listed = {one["element"]: one["workflow"] for one in (await admin.api("GET", api)).json()["items"]}
    assert listed[PRICE] == "always_approve"
    body = {"element": PRICE, "source_connection_id": str(env.erp), "owner": "Pricing"}
    assert (await admin.api("POST", api, body)).status_code < 300  # it stays where it is not named
    listed = {one["element"]: one["workflow"] for one in (await admin.api("GET", api)).json()["items"]}
    assert listed[PRICE] == "always_approve"
    assert (await admin.api("POST", api, body | {"workflow": "two people"})).status_code == 400
    assert (await admin.api("POST", api, body | {"workflow": "policy"})).status_code < 300
    trail = await env.rows("SELECT body FROM audit_entry WHERE action = 'contract.published' ORDER BY seq")
    named = [re.search(r'"workflow":\s*"(\w+)"', str(body)) for (body,) in trail[-3:]]
    assert [one and one[1] for one in named] == ["always_approve", "always_approve", "policy"]
