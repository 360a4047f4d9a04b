"""Templates: saved from a client, applied to others, compared with them, and pulled without changing kept items."""

from typing import Any

import pytest

from canonical.elements import PRICE, STOCK
from controlplane.jobs import build_jobs
from foundation.jobs.worker import LaneWorker
from governance.onboarding.client_templates.compare import match_connections
from governance.onboarding.client_templates.content import TemplateConnection
from governance.onboarding.imports.job_types import IMPORT_LANE
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

API = "/api/v1/client-templates"
OWNED: dict[str, Any] = {"element": PRICE, "source": None, "owner": "Pricing"}
RULE = {"id": "rule-cap", "sub": "*", "obj": STOCK, "act": "review", "description": "Stock is looked at."}


async def save(visit: Visit, name: str, **content: object) -> str:
    made = await visit.api("POST", API, {"name": name, "content": content})
    assert made.status_code == 201, made.text
    return str(made.json()["template_id"])


async def add_client(visit: Visit, slug: str, template_id: str | None = None) -> None:
    body = {"name": slug.title(), "slug": slug, "currency": "EUR", "template_id": template_id}
    made = await visit.api("POST", "/api/v1/clients", body)
    assert made.status_code == 201, made.text


async def states(visit: Visit, slug: str) -> dict[str, str]:
    found = (await visit.api("GET", f"/api/v1/clients/{slug}/template")).json()
    return {item["key"]: item["state"] for item in found["items"]}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_client_begins_with_a_template_and_drift_pull_and_kept_items_are_reported(admin: Visit) -> None:
    template_id = await save(admin, "Shops", contracts=[OWNED], rules=[RULE])
    await add_client(admin, "maple", template_id)
    key, rule = f"contract:{PRICE}:", "rule:rule-cap"
    assert await states(admin, "maple") == {key: "same", rule: "same"}
    changed = {"element": PRICE, "source_connection_id": None, "owner": "Finance"}
    assert (await admin.api("POST", "/api/v1/clients/maple/contracts", changed)).status_code == 201
    body = (await admin.api("GET", "/api/v1/clients/maple/template")).json()
    assert body["summary"] == "Differs from version 1 in 1 contract."
    assert [(one["field"], one["own"], one["template"]) for one in body["items"][0]["differences"]] == [
        ("owner", "Finance", "Pricing")
    ]
    page = await admin.get("/clients/maple/template")
    assert "Differs from version 1 in 1 contract." in page.text
    assert "<del>Finance</del>" in page.text
    kept = await admin.post("/clients/maple/template/items", {"key": key, "keep": "yes"})
    assert kept.status_code == 303
    second = {"contracts": [OWNED | {"owner": "Sales"}, OWNED | {"element": STOCK, "owner": "Operations"}]}
    saved = await admin.api("POST", f"{API}/{template_id}/versions", {"content": second})
    assert saved.json()["version"] == 2
    again = await admin.api("POST", f"{API}/{template_id}/versions", {"content": second})
    assert again.status_code == 409
    update = (await admin.api("GET", "/api/v1/clients/maple/template/update")).json()
    assert {one["key"]: one["state"] for one in update["items"]} == {key: "kept", f"contract:{STOCK}:": "missing"}
    assert "Pull version 2" in (await admin.get("/clients/maple/template")).text
    pulled = await admin.post("/clients/maple/template", {"template_id": template_id, "again": "yes"})
    assert pulled.status_code == 303, pulled.text
    owners = {one["element"]: one["owner"] for one in await contracts(admin, "maple")}
    assert owners == {PRICE: "Finance", STOCK: "Operations"}
    follow = await admin.api("PUT", "/api/v1/clients/maple/template/items", {"key": key, "keep": False})
    assert follow.status_code == 204
    assert (await states(admin, "maple"))[key] == "differs"
    first = (await admin.api("GET", f"{API}/{template_id}/versions/1")).json()
    assert [one["owner"] for one in first["content"]["contracts"]] == ["Pricing"]
    listed = (await admin.api("GET", "/api/v1/client-template-uses?template=Shops")).json()["items"]
    assert [(one["client"], one["version"], one["differing"]) for one in listed] == [("maple", 2, 1)]
    for drift, found in (("drifting", ["maple"]), ("same", [])):
        uses = await admin.api("GET", f"/api/v1/client-template-uses?template=Shops&drift={drift}")
        assert [one["client"] for one in uses.json()["items"]] == found
    wizard = (await admin.api("GET", "/api/v1/clients/maple/onboarding")).json()["steps"][1]
    assert (wizard["step"], wizard["state"], wizard["detail"]) == ("template", "done", "Follows “Shops”, version 2.")


async def contracts(visit: Visit, slug: str) -> Any:
    return (await visit.api("GET", f"/api/v1/clients/{slug}/contracts")).json()["items"]


@pytest.mark.asyncio(loop_scope="module")
async def test_contracts_wait_for_their_connection_and_are_published_once_it_is_there(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    made = await admin.post("/templates/new", {"name": "Like this", "client": msp_setup.slug, "note": ""})
    assert made.status_code == 303, made.text
    template_id = made.headers["location"].rpartition("/")[2]
    saved = (await admin.api("GET", f"{API}/{template_id}")).json()["content"]
    assert {one["source"] for one in saved["contracts"]} <= {one["name"] for one in saved["connections"]}
    assert "base_url" not in saved["connections"][0]
    await add_client(admin, "oak", template_id)
    waiting = {key: state for key, state in (await states(admin, "oak")).items() if key.startswith("contract:")}
    assert set(waiting.values()) == {"waiting"}
    assert await contracts(admin, "oak") == []
    own = {"template_id": template_id, "version": 1}
    applied = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/template", own)
    assert applied.json()["applied"] == []
    async with env.services.db.transaction(env.scope) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("DELETE FROM element_contract")
    applied = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/template", own)
    assert {one for one in applied.json()["applied"] if one.startswith("contract:")} == set(waiting)
    assert {one["source"] for one in await contracts(admin, msp_setup.slug)} == {
        one["source"] for one in saved["contracts"]
    }


@pytest.mark.asyncio(loop_scope="module")
async def test_rules_of_a_live_client_become_a_draft(admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE onboarding SET live_at = now()")
    template_id = await save(admin, "Rules", rules=[RULE])
    applied = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/template", {"template_id": template_id})
    assert applied.json()["drafted"] is True
    assert (await states(admin, msp_setup.slug))["rule:rule-cap"] == "missing"
    draft = (await admin.get(f"/clients/{msp_setup.slug}/policy/draft")).text
    assert "Stock is looked at." in draft


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_builds_a_template_item_by_item(admin: Visit) -> None:
    template_id = await save(admin, "Built")
    page = f"/templates/{template_id}"
    await admin.get(page)
    assert (
        await admin.post(f"{page}/contract", {"part": "connection", "kind": "sandbox-erp", "name": "ERP"})
    ).status_code == 303
    targets = {"publish_seconds": "60", "decide_hours": "2", "expire_hours": "24", "correct_hours": "8"}
    wrong = await admin.post(f"{page}/contract", {"element": PRICE, "source": "WMS", "owner": "Ada"} | targets)
    assert wrong.status_code == 422
    good = {"element": PRICE, "source": "ERP", "owner": "Ada"} | targets
    assert (await admin.post(f"{page}/contract", good)).status_code == 303
    content = (await admin.api("GET", f"{API}/{template_id}")).json()["content"]
    assert (content["contracts"][0]["source"], content["contracts"][0]["propagation_slo"]) == ("ERP", "PT60S")
    removed = await admin.post(page, {"remove": f"contract:{PRICE}:"})
    assert removed.status_code == 303
    body = (await admin.api("GET", f"{API}/{template_id}")).json()
    assert (body["version"], body["content"]["contracts"]) == (4, [])
    assert (await admin.post(page, {"remove": "contract:none:"})).status_code == 409
    assert "Version 4" in (await admin.get(page)).text
    assert (await admin.api("POST", API, {"name": "Built"})).status_code == 409


@pytest.mark.parametrize("content", [
    {"contracts": [OWNED, OWNED]}, {"contracts": [OWNED | {"source": "ERP"}]}, {"contracts": [OWNED | {"owner": ""}]},
    {"rules": [RULE | {"act": "explode"}]}, {"rules": [RULE | {"condition": "import os"}]},
    {"waivers": [{"check": "webhooks", "reason": " "}]}, {"contracts": [OWNED | {"propagation_slo": "PT0S"}]},
])  # fmt: skip
@pytest.mark.asyncio(loop_scope="module")
async def test_a_malformed_template_is_refused(admin: Visit, content: object) -> None:
    refused = await admin.api("POST", API, {"name": "Bad", "content": content})
    assert refused.status_code == 422, refused.text
    assert (await admin.api("GET", API)).json()["items"] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_import_names_a_template_for_each_row(admin: Visit, env: ClientEnv) -> None:
    await save(admin, "Shops", contracts=[OWNED])
    csv = "name,slug,currency,template\nOak,oak,EUR,Shops\nPine,pine,EUR,\n"
    wrong = await admin.api("POST", "/api/v1/client-import/preview", {"csv": csv + "Fir,fir,EUR,Stores\n"})
    assert wrong.json()["rows"][2]["detail"] == "There is no template “Stores”."
    assert (await admin.api("POST", "/api/v1/client-import", {"csv": csv})).status_code == 202
    worker = LaneWorker(
        env.services.db, env.services.ready_queue, build_jobs(env.services), pool="shared",
        metrics=env.services.lane_metrics, lease=60,
    )  # fmt: skip
    await worker.run_lane(env.msp_account.msp_id, env.msp_account.tenant_id, IMPORT_LANE)
    assert await states(admin, "oak") == {f"contract:{PRICE}:": "same"}
    assert (await admin.api("GET", "/api/v1/clients/pine/template")).status_code == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_templates_are_the_msps_own(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    template_id = await save(admin, "Shops", contracts=[OWNED])
    assert (await foreign.api("GET", API)).json()["items"] == []
    assert (await foreign.api("GET", f"{API}/{template_id}")).status_code == 404
    assert (await foreign.get(f"/templates/{template_id}")).status_code == 404
    body = {"template_id": template_id}
    assert (await foreign.api("POST", f"/api/v1/clients/{other.slug}/template", body)).status_code == 404
    assert (await foreign.api("POST", API, {"name": "Theirs", "client": msp_setup.slug})).status_code == 404
    assert (await admin.api("POST", f"/api/v1/clients/{other.slug}/template", body)).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get(f"/clients/{msp_setup.slug}/template")).status_code in (403, 404)


def test_a_connection_matches_by_name_or_as_the_only_one_of_its_kind() -> None:
    known = [
        TemplateConnection("erp", "tryton"),
        TemplateConnection("A", "vendure"),
        TemplateConnection("B", "vendure"),
    ]
    wanted = [
        TemplateConnection("ERP", "tryton"),
        TemplateConnection("a", "vendure"),
        TemplateConnection("C", "vendure"),
    ]
    assert match_connections(wanted, known) == {"ERP": "erp", "a": "A"}
    assert match_connections([TemplateConnection("Main", "tryton")], known) == {"Main": "erp"}
