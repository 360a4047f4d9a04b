"""Brand parts of templates: applied, compared, pulled and kept, in the one client only."""

from typing import Any

import pytest

from tests.governance.onboarding.test_templates import API, add_client, save, states
from tests.support.client_env import ClientEnv
from tests.support.web_app import Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
BRAND = {"name": "Harbour Retail", "accent": "#14532d"}


def of(slug: str) -> str:
    return f"/api/v1/clients/{slug}/brand"


async def parts(visit: Visit, slug: str) -> dict[str, str]:
    found: dict[str, str] = (await visit.api("GET", of(slug))).json()["parts"]
    return {name: value for name, value in found.items() if value}


async def pull(visit: Visit, slug: str, template_id: str) -> dict[str, Any]:
    answer = await visit.api("POST", f"/api/v1/clients/{slug}/template", {"template_id": template_id})
    found: dict[str, Any] = answer.json()
    return found


async def test_a_brand_is_applied_compared_kept_and_pulled(web_app: WebApp, admin: Visit, other_env: ClientEnv) -> None:
    template_id = await save(admin, "Retail", brand=BRAND)
    await add_client(admin, "maple", template_id)
    await add_client(admin, "oak", await save(admin, "Plain"))
    assert await states(admin, "maple") == {"brand": "same"}
    assert (await parts(admin, "maple"), await parts(admin, "oak")) == (BRAND, {})

    own = BRAND | {"accent": "#7f1d1d", "on_accent": "#ffffff", "sender_name": "Maple"}
    assert (await admin.api("PUT", of("maple"), own)).status_code == 200
    found = (await admin.api("GET", "/api/v1/clients/maple/template")).json()
    assert found["summary"] == "Differs from version 1 in 1 brand."
    assert found["items"][0]["differences"] == [
        {"field": "accent", "label": "Brand colour", "own": "#7f1d1d", "template": "#14532d"}
    ]
    listed = (await admin.api("GET", "/api/v1/client-template-uses?template=Retail&drift=drifting")).json()["items"]
    assert [(one["client"], one["differing"]) for one in listed] == [("maple", 1)]
    kept = await admin.api("PUT", "/api/v1/clients/maple/template/items", {"key": "brand", "keep": True})
    assert kept.status_code == 204
    assert (await pull(admin, "maple", template_id))["applied"] == []
    assert await parts(admin, "maple") == own
    await admin.api("PUT", "/api/v1/clients/maple/template/items", {"key": "brand", "keep": False})

    second = {"brand": {"accent": "#fde047"}}
    assert (await admin.api("POST", f"{API}/{template_id}/versions", {"content": second})).status_code == 201
    assert (await pull(admin, "maple", template_id))["applied"] == ["brand"]
    assert await parts(admin, "maple") == {"name": "Harbour Retail", "accent": "#fde047", "sender_name": "Maple"}
    taken = await admin.api("POST", API, {"name": "Like maple", "client": "maple"})
    content = (await admin.api("GET", f"{API}/{taken.json()['template_id']}")).json()["content"]
    assert content["brand"]["sender_name"] == "Maple"

    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    await add_client(foreign, "maple", await save(foreign, "Theirs"))
    assert await parts(foreign, "maple") == {}
    assert (await foreign.api("GET", of("oak"))).status_code == 404


async def test_the_page_sets_and_removes_the_brand(admin: Visit) -> None:
    template_id = await save(admin, "Forms")
    page = f"/templates/{template_id}/contract"
    typed = {"part": "brand", "brand_name": "Harbour Retail", "brand_accent": "#14532D", "brand_on_accent": "#14532e"}
    refused = await admin.post(page, typed)
    assert (refused.status_code, 'id="f-brand_on_accent-error"' in refused.text) == (422, True)
    assert (await admin.post(page, typed | {"brand_on_accent": ""})).status_code == 303
    shown = (await admin.get(f"/templates/{template_id}")).text
    assert "Name: Harbour Retail; Brand colour: #14532d" in shown
    assert 'value="Harbour Retail"' in (await admin.get(page)).text
    assert (await admin.post(page, {"part": "brand"})).status_code == 303
    assert (await admin.api("GET", f"{API}/{template_id}")).json()["content"]["brand"] is None
    for wrong in ({}, {"name": "<b>"}):
        bad = {"name": "Bad", "content": {"brand": wrong}}
        assert (await admin.api("POST", API, bad)).status_code == 422


async def test_add_ons_stay_when_the_page_sets_the_quantity(admin: Visit) -> None:
    plan = {"code": "care", "name": "Care", "currency": "EUR", "fee": "30"}
    assert (await admin.api("POST", "/api/v1/plans", plan)).status_code == 201
    assert (await admin.api("POST", "/api/v1/plans", plan | {"code": "more", "name": "More"})).status_code == 201
    template_id = await save(admin, "Add-ons", plan={"code": "care", "quantity": 1, "add_ons": {"seats": 2}})
    page = f"/templates/{template_id}/contract"
    for code, left in (("care", {"seats": 2}), ("more", {})):
        assert (await admin.post(page, {"part": "plan", "plan": code, "quantity": "4"})).status_code == 303
        content = (await admin.api("GET", f"{API}/{template_id}")).json()["content"]["plan"]
        assert (content["quantity"], content["add_ons"]) == (4, left)
