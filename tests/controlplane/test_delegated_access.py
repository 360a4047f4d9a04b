"""Delegated access: staff enter a client for a time that its own members approved."""

from datetime import timedelta

import pytest
import pytest_asyncio

from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.secrets import new_secret
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

REASON = "Their shop shows old prices"
REQUEST: dict[str, object] = {"role": "client_operations", "reason": REASON, "hours": 4}


@pytest_asyncio.fixture(loop_scope="module")
async def client_admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    """An administrator of a client that admits staff on request only."""
    email = f"{new_id().hex}@example.test"
    await add_member(
        web_app.services, msp_setup.env.scope, NewAccountMember(email, "Cleo Client", PASSWORD, "client_admin")
    )
    visit = await web_app.signed_in(msp_setup.host, email)
    saved = await visit.post(f"/clients/{msp_setup.slug}/access/setting", {"staff_access": "on_request"})
    assert saved.status_code == 303, saved.text
    return visit


async def request(visit: Visit, setup: MspSetup, **changes: object) -> str:
    made = await visit.api("POST", f"/api/v1/clients/{setup.slug}/access", REQUEST | changes)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_staff_enter_for_the_time_and_with_the_role_that_the_client_granted(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, client_admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = f"/clients/{msp_setup.slug}"
    refused = await admin.get(f"{root}/changes")
    assert refused.status_code == 403
    assert f'href="{root}/access/request"' in refused.text
    assert (await admin.api("GET", f"/api/v1{root}/changes")).json()["type"].endswith("access-needed")
    form = await admin.get(f"{root}/access/request")
    assert form.status_code == 200
    assert "Choose the least that you need." in form.text
    assert (await admin.post(f"{root}/access/request", {"role": "client_viewer", "hours": "4"})).status_code == 422
    wanted = {"role": "client_operations", "reason": REASON, "hours": "4"}
    assert (await admin.post(f"{root}/access/request", wanted)).status_code == 303
    assert (await admin.get(f"{root}/changes")).status_code == 403  # not before the approval
    assert (await admin.api("POST", f"/api/v1{root}/access", REQUEST)).status_code == 409

    [asked] = (await client_admin.api("GET", f"/api/v1{root}/access")).json()["items"]
    shown = (await client_admin.get(f"{root}/access")).text
    assert REASON in shown
    assert (await client_admin.post(f"{root}/access/{asked['id']}/answer", {"grant": "yes"})).status_code == 303
    page = await admin.get(f"{root}/changes")
    assert page.status_code == 200
    assert "Operations" in page.text  # the granted role instead of the MSP's
    assert (await admin.get(f"{root}/invoices")).status_code == 200
    assert (await admin.get(f"{root}/audit")).status_code == 403  # not included in that role
    listed = (await client_admin.get(f"{root}/access")).text
    assert "Has access" in listed
    assert f"{root}/audit?actor=" in listed  # their actions

    end = utc_now() + timedelta(hours=4, minutes=1)
    later = web_app.services.auth
    monkeypatch.setattr(type(later), "clock", property(lambda _: lambda: end), raising=False)
    assert (await admin.get(f"{root}/changes")).status_code == 403


async def test_the_client_revokes_at_once_and_everything_is_audited(
    msp_setup: MspSetup, admin: Visit, client_admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    grant_id = await request(admin, msp_setup)
    answered = await client_admin.api("POST", f"/api/v1{root}/access/{grant_id}/answer", {"grant": True})
    assert answered.json()["active"], answered.text
    assert (await admin.get(f"{root}/changes")).status_code == 200
    ended = await client_admin.api("POST", f"/api/v1{root}/access/{grant_id}/end")
    assert ended.json()["state"] == "revoked", ended.text
    assert (await admin.get(f"{root}/changes")).status_code == 403
    assert (await client_admin.api("POST", f"/api/v1{root}/access/{grant_id}/end")).status_code == 409
    entries = (await client_admin.api("GET", f"/api/v1{root}/audit?action=access")).json()["items"]
    assert [one["action"] for one in entries] == [
        "access.revoked", "access.used", "access.granted", "access.requested", "access.setting_changed",
    ]  # fmt: skip


async def test_a_refused_or_withdrawn_request_admits_nobody(
    msp_setup: MspSetup, admin: Visit, client_admin: Visit
) -> None:
    root = f"/api/v1/clients/{msp_setup.slug}"
    grant_id = await request(admin, msp_setup)
    await client_admin.api("POST", f"{root}/access/{grant_id}/answer", {"grant": False})
    assert (await admin.api("GET", f"{root}/changes")).status_code == 403
    second = await request(admin, msp_setup)
    assert (await admin.api("POST", f"{root}/access/{second}/end")).json()["state"] == "withdrawn"
    late = await client_admin.api("POST", f"{root}/access/{second}/answer", {"grant": True})
    assert late.status_code == 409


async def test_only_the_clients_own_members_decide_and_nothing_granted_manages_access(
    msp_setup: MspSetup, admin: Visit, client_admin: Visit
) -> None:
    root = f"/api/v1/clients/{msp_setup.slug}"
    grant_id = await request(admin, msp_setup, role="client_admin")
    assert (await admin.api("POST", f"{root}/access/{grant_id}/answer", {"grant": True})).status_code == 403
    await client_admin.api("POST", f"{root}/access/{grant_id}/answer", {"grant": True})
    assert (await admin.api("GET", f"{root}/members")).status_code == 200
    for method, path, body in (
        ("PUT", "access/setting", {"staff_access": "standing"}),
        ("POST", "members", {"email": "x@example.test", "name": "X", "role": "client_viewer"}),
        ("POST", "api-keys", {"name": "x"}),
        ("POST", "roles", {"name": "x", "permissions": ["change:read"]}),
    ):
        refused = await admin.api(method, f"{root}/{path}", body)
        assert refused.json()["type"].endswith("permission-refused"), (path, refused.text)
    assert (await client_admin.api("PUT", f"{root}/access/setting", {"staff_access": "standing"})).status_code == 204
    assert (await admin.api("GET", f"{root}/changes")).status_code == 200


async def test_an_msps_key_enters_with_its_creator_only(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, client_admin: Visit
) -> None:
    root = f"/api/v1/clients/{msp_setup.slug}"
    made = await admin.api("POST", "/api/v1/api-keys", {"name": "Nightly", "role": "msp_operator"})
    machine = web_app.visit(msp_setup.host)
    machine.http.headers["authorization"] = f"Bearer {made.json()['key']}"
    assert (await machine.api("GET", f"{root}/changes")).status_code == 403
    grant_id = await request(admin, msp_setup, role="client_executive")
    await client_admin.api("POST", f"{root}/access/{grant_id}/answer", {"grant": True})
    assert (await machine.api("GET", f"{root}/changes")).status_code == 200
    assert (await machine.api("GET", f"{root}/dead-letters")).status_code == 403  # not in the creator's role
    async with web_app.services.db.transaction(msp_setup.env.msp_account) as session:
        orphan, text = await create_api_key(
            session, new_secret, NewApiKey(new_id(), "Orphan", "msp_operator"), now=utc_now()
        )
    machine.http.headers["authorization"] = f"Bearer {text}"
    assert orphan.on_behalf_of_id is None
    assert (await machine.api("GET", f"{root}/changes")).status_code == 403


async def test_others_see_and_answer_nothing(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, client_admin: Visit, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(other.host, other.admin)
    grant_id = await request(admin, msp_setup)
    mine, theirs = (f"/api/v1/clients/{slug}/access" for slug in (msp_setup.slug, other.slug))
    assert (await stranger.api("GET", mine)).status_code == 404
    assert (await stranger.api("GET", theirs)).json()["items"] == []
    assert (await stranger.api("POST", mine, REQUEST)).status_code == 404
    assert (await stranger.api("POST", f"{theirs}/{grant_id}/end")).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"{mine}/{grant_id}/answer", {"grant": True})).status_code == 403
