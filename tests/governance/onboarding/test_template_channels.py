"""Channels of the contracts of templates: by the template's connection names, applied, compared, kept and pulled."""

from typing import Any

import pytest

from canonical.elements import STOCK
from foundation.clock import utc_now
from governance.elements.publish_contract import publish_new_contract
from governance.elements.schemas import NewContract
from tests.governance.onboarding.test_templates import API, add_client, contracts, save, states
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = f"contract:{STOCK}:"


async def publish(env: ClientEnv, *names: str, all_channels: bool = False) -> None:
    new = NewContract(
        element=STOCK, source_connection_id=env.erp, owner="Operations", all_channels=all_channels,
        channels=None if all_channels else [env.channels[name] for name in names],
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        await publish_new_contract(session, env.services.registry, new, now=utc_now())


async def template_of(admin: Visit, slug: str, name: str) -> tuple[str, dict[str, Any]]:
    """A template with the stock contract of the client only, and its content."""
    made = await admin.api("POST", API, {"name": f"All of {name}", "client": slug})
    content = (await admin.api("GET", f"{API}/{made.json()['template_id']}")).json()["content"]
    own = [one for one in content["contracts"] if one["element"] == STOCK]
    parts = {"connections": content["connections"], "contracts": own}
    return await save(admin, name, **parts), parts


async def pull(admin: Visit, slug: str, template_id: str) -> Any:
    return (await admin.api("POST", f"/api/v1/clients/{slug}/template", {"template_id": template_id})).json()


async def channels(admin: Visit, slug: str) -> list[str] | None:
    found = next(one for one in await contracts(admin, slug) if one["element"] == STOCK)
    return None if found["channels"] is None else found["channel_names"]


async def test_channels_are_taken_compared_kept_and_pulled(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    slug = msp_setup.slug
    await publish(env, "shop0")
    template_id, parts = await template_of(admin, slug, "Shop only")
    assert (parts["contracts"][0]["channels"], parts["contracts"][0]["all_channels"]) == (["shop0"], False)
    assert "Only shop0" in (await admin.get(f"/templates/{template_id}")).text
    await pull(admin, slug, template_id)
    await publish(env, "market1")
    found = (await admin.api("GET", f"/api/v1/clients/{slug}/template")).json()
    shown = next(one for one in found["items"] if one["key"] == KEY)
    assert shown["differences"] == [
        {"field": "channels", "label": "Published on", "own": "Only market1", "template": "Only shop0"}
    ]
    assert "<del>Only market1</del>" in (await admin.get(f"/clients/{slug}/template")).text
    listed = (await admin.api("GET", "/api/v1/client-template-uses?template=Shop%20only&drift=drifting")).json()
    assert [one["client"] for one in listed["items"]] == [slug]
    await admin.api("PUT", f"/api/v1/clients/{slug}/template/items", {"key": KEY, "keep": True})
    assert (await pull(admin, slug, template_id))["applied"] == []
    assert await channels(admin, slug) == ["market1"]
    await admin.api("PUT", f"/api/v1/clients/{slug}/template/items", {"key": KEY, "keep": False})
    assert (await pull(admin, slug, template_id))["applied"] == [KEY]
    assert await channels(admin, slug) == ["shop0"]

    every = [parts["contracts"][0] | {"channels": None, "all_channels": True}]
    body = {"content": parts | {"contracts": every}}
    assert (await admin.api("POST", f"{API}/{template_id}/versions", body)).status_code == 201
    assert (await pull(admin, slug, template_id))["applied"] == [KEY]
    assert await channels(admin, slug) is None

    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await foreign.api("GET", f"{API}/{template_id}")).status_code == 404
    assert await channels(foreign, other.slug) is None


async def test_a_template_without_channels_leaves_those_of_the_client(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    _, parts = await template_of(admin, msp_setup.slug, "Every channel")
    assert parts["contracts"][0]["all_channels"]
    silent = [parts["contracts"][0] | {"all_channels": False, "owner": "Warehouse"}]
    template_id = await save(admin, "Silent", **(parts | {"contracts": silent}))
    await publish(env, "shop0")
    assert (await pull(admin, msp_setup.slug, template_id))["applied"] == [KEY]
    assert await channels(admin, msp_setup.slug) == ["shop0"]
    assert (await states(admin, msp_setup.slug))[KEY] == "same"


async def test_a_contract_waits_for_its_channels_and_refuses_one_that_cannot_show_it(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    _, parts = await template_of(admin, msp_setup.slug, "Base")
    owned = {"element": STOCK, "source": None, "owner": "Pricing"}
    later = parts["connections"] + [{"name": "Later", "kind": "vendure"}]
    template_id = await save(admin, "Later", connections=later, contracts=[owned | {"channels": ["Later"]}])
    await add_client(admin, "oak", template_id)
    assert await states(admin, "oak") == {KEY: "waiting"} | {f"connection:{one['name']}": "waiting" for one in later}
    source = next(one["name"] for one in later if one["kind"] == "sandbox-erp")
    wrong = await save(admin, "Wrong", connections=later, contracts=[owned | {"channels": [source]}])
    refused = (await pull(admin, msp_setup.slug, wrong))["refused"]
    assert [one["key"] for one in refused] == [KEY]
    for channels_ in ({"channels": ["Nowhere"]}, {"channels": ["Later"], "all_channels": True}):
        bad = {"name": "Bad", "content": {"connections": later, "contracts": [owned | channels_]}}
        assert (await admin.api("POST", API, bad)).status_code == 422


async def test_the_page_names_channels(admin: Visit) -> None:
    connections = [{"name": "Shop, Berlin", "kind": "sandbox-shop"}, {"name": "Fair", "kind": "sandbox-market"}]
    template_id = await save(admin, "Forms", connections=connections)
    page = f"/templates/{template_id}/contract"
    typed = {
        "element": STOCK, "source": "", "owner": "Ada", "publish_seconds": "60", "decide_hours": "2",
        "expire_hours": "24", "correct_hours": "8", "reach": "chosen",
    }  # fmt: skip
    refused = await admin.post(page, typed | {"channel": ["Nowhere"]})
    assert (refused.status_code, "Nowhere" in refused.text) == (422, True)
    for reach, ticked, expected in (
        ("chosen", ["Shop, Berlin"], (["Shop, Berlin"], False)), ("chosen", [], ([], False)),
        ("all", [], (None, True)), ("", ["Fair"], (None, False)),
    ):  # fmt: skip
        saved = await admin.post(page, typed | {"reach": reach, "channel": ticked})
        assert saved.status_code == 303, saved.text
        contract = (await admin.api("GET", f"{API}/{template_id}")).json()["content"]["contracts"][0]
        assert (contract["channels"], contract["all_channels"]) == expected
