"""Roles of an account's own: pages and API, within the caller's rights, immediate effect, isolation."""

import re

import pytest
import pytest_asyncio

from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.ids import new_id
from policy.publishing import assign_role, list_assignments, revoke_role
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
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(web_app: WebApp, other_env: ClientEnv) -> Visit:
    other = await set_up_msp(other_env, name="Elsewhere")
    return await web_app.signed_in(other.host, other.admin)


async def make_role(visit: Visit, root: str, name: str, *permissions: str) -> str:
    made = await visit.api("POST", f"/api/v1{root}/roles", {"name": name, "permissions": list(permissions)})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def join(web_app: WebApp, msp_setup: MspSetup, role: str) -> tuple[Visit, str]:
    """A new member of the client with this role, signed in."""
    email = f"{new_id().hex}@example.test"
    scope = msp_setup.env.scope
    made = await add_member(web_app.services, scope, NewAccountMember(email, "Jo Field", PASSWORD, role))
    return await web_app.signed_in(msp_setup.host, email), str(made)


@pytest.mark.parametrize("account", ["", "client"])
async def test_a_role_is_made_changed_and_deleted_on_pages(
    account: str, msp_setup: MspSetup, admin: Visit, stranger: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}" if account else ""
    assert "No roles of your own yet" in (await admin.get(f"{root}/roles")).text
    form = (await admin.get(f"{root}/roles/new?copy={'client' if account else 'msp'}_support")).text
    assert re.search(r'value="exception:resolve"[^>]*checked', form)
    assert "Resolve and discard exceptions" in form
    assert ("Close invoices" in form) == (account == "")
    refused = await admin.post(f"{root}/roles/new", {"name": "Night watch"})
    assert refused.status_code == 422
    assert "Choose at least one permission." in refused.text
    wanted = {"name": "Night watch", "about": "Looks after exceptions.", "permissions": "exception:read"}
    unsaved = await admin.post(f"{root}/roles/new", wanted | {"act": "preview"})
    assert unsaved.status_code in {200, 201}
    made = await admin.post(f"{root}/roles/new", wanted)
    assert made.status_code == 303, made.text
    address = made.headers["location"]
    shown = (await admin.get(address)).text
    assert "Night watch" in shown
    assert "Nobody has this role" in shown
    assert (await admin.post(f"{root}/roles/new", wanted)).status_code == 409
    assert (await stranger.get(address)).status_code == 404
    assert (await stranger.post(f"{address}/edit", wanted)).status_code == 404
    assert (await stranger.post(f"{address}/delete")).status_code == 404
    changed = await admin.post(f"{address}/edit", wanted | {"name": "Day watch", "permissions": "change:read"})
    assert changed.status_code == 303, changed.text
    assert "Day watch" in (await admin.get(f"{root}/roles")).text
    assert (await admin.post(f"{address}/delete")).status_code == 303
    assert (await admin.get(address)).status_code == 404


async def test_a_changed_role_applies_to_open_sessions_at_once(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    role = await make_role(admin, root, "Reader", "dashboard:read", "exception:read")
    member, _ = await join(web_app, msp_setup, role)
    page = await member.get(f"{root}/exceptions")
    assert page.status_code == 200
    assert "Reader" in page.text  # the role's name under the member's
    assert (await member.get(f"{root}/changes")).status_code == 403
    body = {"name": "Reader", "permissions": ["dashboard:read", "change:read"]}
    changed = await admin.api("PUT", f"/api/v1{root}/roles/{role}", body)
    assert changed.status_code == 200, changed.text
    assert (await member.get(f"{root}/exceptions")).status_code == 403
    assert (await member.get(f"{root}/changes")).status_code == 200


async def test_nobody_grants_what_they_do_not_hold(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    root = f"/clients/{msp_setup.slug}"
    permissions = ["dashboard:read", "member:read", "role:write", "role:assign", "member:invite", "change:read"]
    role = await make_role(admin, root, "Registrar", *permissions)
    bigger = await make_role(admin, root, "Decider", "approval:decide")
    member, _ = await join(web_app, msp_setup, role)
    _, other_id = await join(web_app, msp_setup, "client_executive")
    api = f"/api/v1{root}"
    for wanted in (["approval:decide"], ["change:read", "policy:publish"]):
        refused = await member.api("POST", f"{api}/roles", {"name": "More", "permissions": wanted})
        assert refused.json()["type"].endswith("permission-refused"), refused.text
    widened = {"name": "Decider", "permissions": ["approval:decide", "change:read"]}
    assert (await member.api("PUT", f"{api}/roles/{bigger}", widened)).status_code == 200
    for taken in (["change:read"], ["approval:decide", "api_key:write"]):
        refused = await member.api("PUT", f"{api}/roles/{bigger}", {"name": "Decider", "permissions": taken})
        assert refused.json()["type"].endswith("permission-refused"), refused.text
    own = await make_role(member, root, "Less", "change:read")
    assert (await member.api("PUT", f"{api}/members/{other_id}/roles/{own}")).status_code == 204
    for beyond in (bigger, "client_approver", "client_admin"):
        refused = await member.api("PUT", f"{api}/members/{other_id}/roles/{beyond}")
        assert refused.json()["type"].endswith("role-not-assignable"), refused.text
    unknown = await admin.api("POST", f"{api}/roles", {"name": "Odd", "permissions": ["price_book:read"]})
    assert unknown.status_code == 422, unknown.text  # of an MSP, in a client's account


async def test_a_role_in_use_is_not_deleted_and_the_refusal_names_its_holders(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    role = await make_role(admin, root, "Reader", "change:read")
    _, member_id = await join(web_app, msp_setup, role)
    refused = await admin.api("DELETE", f"/api/v1{root}/roles/{role}")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("role-in-use")
    assert "Jo Field" in refused.json()["detail"]
    assert "Jo Field" in (await admin.post(f"{root}/roles/{role}/delete")).text
    assert (await admin.api("DELETE", f"/api/v1{root}/members/{member_id}/roles/{role}")).status_code == 204
    assert (await admin.api("DELETE", f"/api/v1{root}/roles/{role}")).status_code == 204


async def test_the_last_administrator_does_not_lose_administration_by_a_change_of_the_role(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    """Also if the permission to administer comes from a role of the account's own."""
    rights = ["member:read", "member:invite", "role:assign", "role:write"]
    role = await make_role(admin, "", "Keeper", *rights)
    scope, db = msp_setup.env.msp_account, web_app.services.db
    async with db.transaction(scope) as session:
        [(me, _)] = (await list_assignments(session, scope)).items()
        await assign_role(session, scope, member_id=me, role=role, clock=utc_now, new_id=new_id)
        await revoke_role(session, scope, member_id=me, role="msp_admin", clock=utc_now, new_id=new_id)
    body = {"name": "Keeper", "permissions": ["member:read", "role:write", "role:assign"]}
    refused = await admin.api("PUT", f"/api/v1/roles/{role}", body)
    assert refused.status_code == 409, refused.text
    assert refused.json()["type"].endswith("last-administrator")
    assert (await admin.get("/members")).status_code == 200
    kept = await admin.api("PUT", f"/api/v1/roles/{role}", body | {"permissions": rights})
    assert kept.status_code == 200, kept.text


async def test_the_standard_roles_are_listed_and_do_not_change(msp_setup: MspSetup, admin: Visit) -> None:
    listed = (await admin.api("GET", f"/api/v1/clients/{msp_setup.slug}/roles")).json()
    names = {one["name"] for one in listed}
    assert {
        "Operations", "Finance", "Customer success", "Partner manager", "Channel manager", "Support", "Supervisor",
        "Auditor", "Executive", "Client approver",
    } <= names  # fmt: skip
    body = {"name": "Mine", "permissions": ["change:read"]}
    assert (await admin.api("PUT", "/api/v1/roles/msp_admin", body)).status_code == 404
    assert (await admin.api("DELETE", "/api/v1/roles/msp_admin")).status_code == 404
    for one in listed:
        page = await admin.get(f"/clients/{msp_setup.slug}/roles/{one['id']}")
        assert page.status_code == 200, page.text
    offered = (await admin.api("GET", f"/api/v1/clients/{msp_setup.slug}/permissions")).json()
    assert "approval:decide" in {one["code"] for one in offered}
    assert "price_book:read" not in {one["code"] for one in offered}


async def test_a_member_without_the_overview_starts_on_the_first_page_that_they_see(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    role = await make_role(admin, root, "Reader", "exception:read")
    member, _ = await join(web_app, msp_setup, role)
    assert (await member.get("/")).headers["location"] == f"{root}/exceptions"
