"""Trading partners: created and renamed on pages, by API and by command; members of suspended ones are refused."""

import json
import re

import pytest

from canonical.elements import STOCK
from tests.controlplane.conftest import environment
from tests.support.client_env import ClientEnv
from tests.support.commands import run_command
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

__all__ = ("environment",)


async def test_a_partner_is_made_renamed_and_suspended_on_pages(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    await admin.get(f"{root}/partners/new")
    assert (await admin.post(f"{root}/partners/new", {"name": " ", "kind": "oem"})).status_code == 422
    wrong = await admin.post(f"{root}/partners/new", {"name": "Fjord Cameras", "kind": "no"})
    assert "Choose one of the kinds." in wrong.text
    made = await admin.post(f"{root}/partners/new", {"name": "Fjord Cameras", "kind": "oem"})
    assert made.status_code == 303
    partners = (await admin.api("GET", f"/api/v1{root}/partners")).json()
    [one] = [each for each in partners if each["name"] == "Fjord Cameras"]
    page = f"{root}/partners/{one['id']}"
    assert (await admin.post(page, {"name": "Fjord Optics", "kind": "distributor"})).status_code == 303
    shown = (await admin.get(f"{root}/partners")).text
    assert "Fjord Optics" in shown
    assert "Distributor" in shown
    invite = re.search(r'href="([^"]*/members/invite[^"]*)"', (await admin.get(page)).text)
    assert invite is not None
    form = (await admin.get(invite[1])).text
    assert re.search(rf'value="{one["id"]}"\s+selected>Fjord Optics', form)
    assert re.search(r'value="partner"[^>]*checked', form)

    member = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    assert (await member.get(f"{root}/channel/values")).status_code == 200
    [theirs] = [each["id"] for each in partners if each["members"] == 1]
    assert (await admin.post(f"{root}/partners/{theirs}/suspend")).status_code == 303
    assert (await member.get(f"{root}/channel/values")).status_code == 303
    assert "This partner is suspended" in (await admin.get(f"{root}/partners/{theirs}")).text
    assert (await admin.post(f"{root}/partners/{theirs}/resume")).status_code == 303
    member = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    assert (await member.get(f"{root}/channel/values")).status_code == 200
    assert (await member.get(f"{root}/partners")).status_code == 403


async def test_the_api_makes_changes_and_suspends_and_others_see_nothing(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, other_env: ClientEnv
) -> None:
    address = f"/api/v1/clients/{msp_setup.slug}/partners"
    made = (await admin.api("POST", address, {"name": "Fjord", "kind": "logistics"})).json()
    assert (made["status"], made["members"]) == ("active", 0)
    one = f"{address}/{made['id']}"
    changed = await admin.api("PUT", one, {"name": "Fjord Freight", "kind": "logistics"})
    assert changed.json()["name"] == "Fjord Freight"
    for _ in range(2):
        assert (await admin.api("POST", f"{one}/suspension")).json()["status"] == "suspended"
    assert (await admin.api("DELETE", f"{one}/suspension")).json()["status"] == "active"

    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    theirs = f"/api/v1/clients/{other.slug}/partners"
    assert "Fjord Freight" not in (await stranger.api("GET", theirs)).text
    for method, body in (("GET", None), ("PUT", {"name": "Mine", "kind": "oem"})):
        assert (await stranger.api(method, f"{theirs}/{made['id']}", body)).status_code == 404
    assert (await stranger.api("POST", f"{theirs}/{made['id']}/suspension")).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", address, {"name": "Mine"})).status_code == 403


async def test_commands_make_change_and_suspend_a_partner(env: ClientEnv, environment: dict[str, str | None]) -> None:
    given = {name: value for name, value in environment.items() if value is not None}
    account = ["--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id)]

    def run(command: str, *options: str) -> object:
        status, said = run_command(["partner", command, *account, *options, "--json"], given)
        assert status == 0, said
        return json.loads(said)

    made = run("create", "--name", " Fjord ", "--kind", "oem")
    assert isinstance(made, dict)
    named = "SELECT body::jsonb -> 'data' ->> 'name' FROM audit_entry WHERE action = 'partner.created' AND subject = :s"
    assert await env.rows(named, s=f"partner:{made['id']}") == [("Fjord",)]
    one = ("--partner", str(made["id"]))
    assert run("change", *one, "--name", "Fjord Optics") == made | {"name": "Fjord Optics"}
    assert run("suspend", *one) == made | {"name": "Fjord Optics", "status": "suspended"}
    assert run("resume", *one) == run("list")[0]  # type: ignore[index]


async def test_a_channel_moves_to_another_partner_with_its_values(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv
) -> None:
    root, shop = f"/clients/{msp_setup.slug}", env.channels["shop0"]
    await env.deliver(env.change("SKU-001", STOCK, 7))
    await env.work(settle=0.5)
    member = await web_app.signed_in(msp_setup.host, msp_setup.partner)

    async def seen() -> str:
        return (await member.get(f"{root}/channel/values")).text

    assert "SKU-001" not in await seen()
    [theirs] = [one["id"] for one in (await admin.api("GET", f"/api/v1{root}/partners")).json() if one["members"]]
    page = f"{root}/connections/{shop}/edit"
    form = (await admin.get(page)).text
    assert 'name="partner_id"' in form
    found = (await admin.api("GET", f"/api/v1{root}/connections/{shop}")).json()
    typed = {
        "name": found["name"], "base_url": found["base_url"], "environment": found["environment"],
        "revision": str(found["revision"]),
    }  # fmt: skip
    wrong = await admin.post(page, {**typed, "partner_id": str(env.scope.tenant_id)})
    assert "This account has no such trading partner." in wrong.text
    saved = await admin.post(page, {**typed, "partner_id": theirs})
    assert saved.status_code == 303, saved.text
    assert "SKU-001" in await seen()
    await env.deliver(env.change("SKU-002", STOCK, 8))
    await env.work(settle=0.5)
    assert "SKU-002" in await seen()
    await admin.get(page)
    assert (
        await admin.post(page, {**typed, "revision": str(found["revision"] + 1), "partner_id": ""})
    ).status_code == 303
    assert "SKU-001" not in await seen()
