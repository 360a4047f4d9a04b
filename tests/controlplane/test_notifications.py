"""Notifications: members get those that concern them, counted once until read; others get none."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from canonical.elements import PRICE
from connectors.health import record_health
from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from foundation.ids import new_id
from foundation.scope import Scope
from governance.connections.expiry_notices import notify_expiring
from governance.dead_letters.notices import notify_failed_jobs
from tenants.notifications.job_types import NOTIFY
from tests.support.as_owner import update_as_owner
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
from webhooks.endpoints import get_endpoint, set_paused
from webhooks.states import PauseReason

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


async def test_what_is_not_reached_is_notified_whatever_its_severity(
    msp_setup: MspSetup, env: ClientEnv, admin: Visit, approver: Visit, stranger: Visit
) -> None:
    root, shop = f"/clients/{msp_setup.slug}", env.channels["shop0"]
    async with env.services.db.transaction(env.scope) as session:
        for error in (None, TEXT.write(text="The shop answered 503.")):
            await record_health(session, shop, now=utc_now(), error=error, every=timedelta(0))
    await env.work()
    past = timedelta(minutes=6)
    older = ", ".join(f"{one} = {one} - %(by)s" for one in ("created_at", "last_success_at", "last_failure_at"))
    update_as_owner(env, "connection", older, by=past)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE timer SET due_at = due_at - :by"), {"by": past})
    await env.work()
    assert await unread(approver, root) == [("connection.not_working", 1)]
    assert await unread(admin) == [("connection.not_working", 1)]
    assert await unread(stranger) == []
    [one] = (await approver.api("GET", f"/api/v1{root}/notifications")).json()["items"]
    opened = await approver.get(f"{root}/notifications/{one['id']}")
    assert opened.headers["location"] == f"{root}/connections/{shop}"


async def test_a_webhook_that_the_product_paused_is_notified_in_a_client_and_in_the_msp(
    msp_setup: MspSetup, env: ClientEnv, admin: Visit, stranger: Visit
) -> None:
    hooks: dict[str, str] = {}
    for address, scope in (("", env.msp_account), (f"/clients/{msp_setup.slug}", env.scope)):
        body = {"url": "https://hooks.example.test/a", "event_types": ["connection.paused"]}
        made = await admin.api("POST", f"/api/v1{address}/webhook-endpoints", body)
        assert made.status_code == 201, made.text
        hooks[address] = made.json()["endpoint"]["id"]
        async with env.services.db.transaction(scope) as session:
            endpoint = await get_endpoint(session, UUID(hooks[address]), lock=True)
            set_paused(session, endpoint, PauseReason.FAILING, now=utc_now())
        await work_in(env, scope)
    kind = "webhook.not_delivering"
    assert await unread(admin) == [(kind, 1), (kind, 1)]
    found = (await admin.api("GET", "/api/v1/notifications")).json()["items"]
    pages = {(await admin.get(f"/notifications/{one['id']}")).headers["location"] for one in found}
    assert pages == {f"{address}/webhooks/{hook}" for address, hook in hooks.items()}
    assert await unread(stranger) == []


async def test_expiring_credentials_and_failed_jobs_are_notified_once(
    msp_setup: MspSetup, env: ClientEnv, admin: Visit, stranger: Visit
) -> None:
    async def look(now: datetime) -> list[tuple[str, int]]:
        for scope in (env.scope, env.msp_account):
            async with env.services.db.transaction(scope) as session:
                await notify_expiring(session, now)
                await notify_failed_jobs(session, now)
            await work_in(env, scope)
        return sorted(await unread(admin))

    now = utc_now()
    expires = "credentials.expire"
    assert await look(now) == []
    update_as_owner(
        env, "connection", "credentials_expire_on = %(day)s", "name = 'shop0'", day=(now + timedelta(40)).date()
    )
    assert await look(now) == []
    assert await look(now + timedelta(10)) == [(expires, 1)]
    assert await look(now + timedelta(12)) == [(expires, 1)]
    assert await look(now + timedelta(34)) == [(expires, 2)]
    assert await look(now + timedelta(41)) == [(expires, 3)]
    async with env.services.db.transaction(env.scope) as session:
        for kind in ("no.such", "no.other", NOTIFY.name):
            payload = {"t": env.scope.tenant_id, "m": env.scope.msp_id, "kind": kind}
            await session.execute(_FAILED, payload)
    assert await look(now) == [(expires, 3), ("dead_letter.opened", 2)]
    assert await look(now) == [(expires, 3), ("dead_letter.opened", 2)]
    assert await unread(stranger) == []


_FAILED = text("""
    INSERT INTO dead_letter (tenant_id, msp_id, id, lane, kind, key, attempts, error, enqueued_at, died_at)
    VALUES (:t, :m, gen_random_uuid(), 'a', :kind, 'a', 1, '{}', now(), now())
""")


async def work_in(env: ClientEnv, scope: Scope) -> None:
    """Run the jobs of an account that are due."""
    await replace(env, scope=scope).work()
