"""Notifications: members get those that concern them, counted once until read; others get none."""

import pytest
import pytest_asyncio

from canonical.elements import PRICE
from controlplane.provisioning import NewAccountMember, add_member
from foundation.ids import new_id
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

REQUEST = {"role": "client_operations", "reason": "Their shop shows old prices", "hours": 4}


@pytest_asyncio.fixture(loop_scope="module")
async def approver(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.approver)


async def unread(visit: Visit, root: str = "") -> list[tuple[str, int]]:
    """Kinds and numbers of the visitor's unread notifications, newest first."""
    answer = await visit.api("GET", f"/api/v1{root}/notifications?status=unread")
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["number"]) for one in answer.json()["items"]]


async def propose_price(env: ClientEnv, sku: str) -> None:
    """A price without a known cost, which needs approval."""
    await env.deliver(env.change(sku, PRICE, 1000))
    await env.work(settle=0.5)


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(web_app: WebApp, other_env: ClientEnv) -> Visit:
    other = await set_up_msp(other_env, name="Elsewhere")
    return await web_app.signed_in(other.host, other.admin)


async def test_members_who_may_approve_are_notified_once_until_they_have_read_it(  # noqa: PLR0917 - fixtures
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit, approver: Visit, stranger: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    email = f"{new_id().hex}@example.test"
    await add_member(web_app.services, env.scope, NewAccountMember(email, "Vic Viewer", PASSWORD, "client_viewer"))
    viewer = await web_app.signed_in(msp_setup.host, email)

    await propose_price(env, "SKU-001")
    kind = "approval.waiting"
    assert await unread(approver, root) == [(kind, 1)]
    await propose_price(env, "SKU-002")
    assert await unread(approver, root) == [(kind, 2)]
    assert await unread(admin) == [(kind, 2)]
    assert await unread(viewer, root) == []
    assert await unread(stranger) == []
    page = await approver.get(f"{root}/notifications")
    assert "2 changes were sent for approval" in page.text
    assert "Notifications not read: 1" in page.text
    assert "Client" in (await admin.get("/notifications")).text  # the client's name

    [one] = (await approver.api("GET", f"/api/v1{root}/notifications")).json()["items"]
    assert (await stranger.get(f"/notifications/{one['id']}")).status_code == 404
    assert (await viewer.get(f"{root}/notifications/{one['id']}")).status_code == 404
    assert (await viewer.post(f"{root}/notifications/{one['id']}/read")).status_code == 404
    opened = await approver.get(f"{root}/notifications/{one['id']}")
    assert opened.headers["location"] == f"{root}/approvals"
    assert await unread(approver, root) == []
    assert await unread(admin) == [(kind, 2)]  # each member has a read state of their own
    await propose_price(env, "SKU-003")
    assert await unread(approver, root) == [(kind, 1)]
    assert (await approver.post(f"{root}/notifications/read")).status_code == 303
    assert await unread(approver, root) == []


async def test_a_link_survives_the_sign_in(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    await propose_price(env, "SKU-001")
    [one] = (await approver.api("GET", f"/api/v1{root}/notifications")).json()["items"]
    visit = web_app.visit(msp_setup.host)
    asked = await visit.get(f"{root}/notifications/{one['id']}")
    assert asked.status_code == 303
    form = await visit.get(asked.headers["location"])
    assert f"{root}/notifications/{one['id']}" in form.text
    form_data = {"email": msp_setup.approver, "password": PASSWORD, "next": f"{root}/notifications/{one['id']}"}
    signed_in = await visit.post("/sign-in", form_data)
    opened = await visit.get(signed_in.headers["location"])
    assert opened.headers["location"].startswith(f"{root}/approvals/")


async def test_a_member_mutes_kinds_and_lesser_severities(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit, approver: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    form = (await approver.get(f"{root}/notifications/settings")).text
    assert "A change needs approval" in form
    saved = await approver.post(
        f"{root}/notifications/settings", {"least_severity": "info", "kinds": "exception.opened"}
    )
    assert saved.status_code == 303, saved.text
    body = {"muted": [], "least_severity": "critical"}
    assert (await admin.api("PUT", "/api/v1/notifications/settings", body)).status_code == 200
    unknown = await admin.api("PUT", "/api/v1/notifications/settings", body | {"muted": ["no.such"]})
    assert unknown.status_code == 422
    await propose_price(env, "SKU-001")
    assert await unread(approver, root) == []
    assert await unread(admin) == []


async def test_members_are_notified_of_requests_for_access_and_of_answers(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    email = f"{new_id().hex}@example.test"
    await add_member(web_app.services, env.scope, NewAccountMember(email, "Cleo Client", PASSWORD, "client_admin"))
    cleo = await web_app.signed_in(msp_setup.host, email)
    await cleo.api("PUT", f"/api/v1{root}/access/setting", {"staff_access": "on_request"})
    made = await admin.api("POST", f"/api/v1{root}/access", REQUEST)
    assert made.status_code == 201, made.text
    await env.work(settle=0.5)
    assert await unread(cleo, root) == [("access.requested", 1)]
    assert await unread(admin) == []
    await cleo.api("POST", f"/api/v1{root}/access/{made.json()['id']}/answer", {"grant": True})
    await admin.get(f"{root}/changes")
    await env.work(settle=0.5)
    assert await unread(admin) == [("access.answered", 1)]
    assert [kind for kind, _ in await unread(cleo, root)] == ["access.used", "access.requested"]
    [mine] = (await admin.api("GET", "/api/v1/notifications")).json()["items"]
    assert mine["href"] == f"{root}/access/request"
