"""Impersonation: staff look at a client's pages as one of its members, read-only and for a time."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import text

from controlplane.provisioning import NewAccountMember, add_member
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.auth.csrf import SAFE_METHODS
from tenants.impersonation.job_types import RECORD_END
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

REASON = "They do not find an approval"
START: dict[str, object] = {"minutes": 15, "reason": REASON}
ENDS = {"/impersonation/end", "/sign-out", "/sign-out-everywhere"}


@pytest_asyncio.fixture(loop_scope="module")
async def cleo(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    """An administrator of the client."""
    return await web_app.signed_in(msp_setup.host, await add(web_app, msp_setup.env.scope, "client_admin"))


async def add(web_app: WebApp, scope: Scope, role: str) -> str:
    email = f"{new_id().hex}@example.test"
    await add_member(web_app.services, scope, NewAccountMember(email, f"New {role}", PASSWORD, role))
    return email


async def id_of(db: Database, scope: Scope, email: str) -> UUID:
    async with db.transaction(scope) as session:
        found = await session.scalar(text("SELECT id FROM member WHERE email = :email"), {"email": email})
    assert isinstance(found, UUID)
    return found


async def member_of(setup: MspSetup, email: str) -> UUID:
    return await id_of(setup.env.services.db, setup.env.scope, email)


def api_of(setup: MspSetup, member: UUID) -> str:
    return f"/api/v1/clients/{setup.slug}/members/{member}/impersonation"


async def start(visit: Visit, setup: MspSetup, email: str, **changes: object) -> UUID:
    """Begin an impersonation over the API, and read a page for its token."""
    member = await member_of(setup, email)
    begun = await visit.api("POST", api_of(setup, member), START | changes)
    assert begun.status_code == 201, begun.text
    assert (await visit.get("/", follow_redirects=True)).status_code == 200
    return member


async def code_of(visit: Visit, path: str, method: str = "GET") -> str:
    answer = await visit.api(method, path)
    return str(answer.json().get("type", answer.status_code)).rpartition(":")[2].rpartition("/")[2]


async def entries(setup: MspSetup) -> Sequence[Any]:
    """Actions, actors and data of the client's entries about impersonations, oldest first."""
    async with setup.env.services.db.transaction(setup.env.scope) as session:
        rows = await session.execute(
            text("""
                SELECT action, body::jsonb #>> '{actor,name}' AS by, body::jsonb #>> '{actor,looks_as}' AS looks_as,
                       body::jsonb -> 'data' AS data
                  FROM audit_entry WHERE action LIKE 'impersonation.%' OR action = 'list.exported' ORDER BY seq
            """)
        )
    return rows.all()


async def test_staff_see_what_the_member_sees_and_change_nothing(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    member = await member_of(msp_setup, msp_setup.approver)
    page = f"{root}/members/{member}"
    assert "View as this member" in (await admin.get(page)).text
    refused = await admin.post(f"{page}/impersonation", {"minutes": "45", "reason": ""})
    assert refused.status_code == 422
    assert "data-shown" in refused.text
    begun = await admin.post(f"{page}/impersonation", {"minutes": "15", "reason": REASON})
    assert (begun.status_code, begun.headers["location"]) == (303, "/")
    own = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    for path in ("overview", "changes", "approvals", "exceptions", "invoices", "members", "audit", "connections"):
        theirs, shown = await own.get(f"{root}/{path}"), await admin.get(f"{root}/{path}")
        assert shown.status_code == theirs.status_code, path
        assert "Admin Calm Harbour is viewing as Approver Calm Harbour" in shown.text, path
        assert "is viewing as" not in theirs.text
    part = await admin.get(f"{root}/changes", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert "viewing as Approver" in part.text
    assert "<html" not in part.text
    assert (await admin.get("/fleet")).status_code == 404
    assert await code_of(admin, f"/api/v1{root}/changes") == "200"
    for path in ("/settings", "/settings/security", "/settings/security/passkeys/new", "/confirm"):
        assert await code_of(admin, path) == "impersonation-hides-this", path
    assert "viewing as Approver" in (await admin.get("/settings")).text
    ended = await admin.post("/impersonation/end")
    assert (ended.status_code, ended.headers["location"]) == (303, page)
    assert "is viewing as" not in (await admin.get("/fleet")).text
    assert (await admin.get("/settings/security")).status_code == 200


async def test_keys_and_sessions_of_an_administrator_stay_hidden(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, cleo: Visit
) -> None:
    email = await add(web_app, msp_setup.env.scope, "client_admin")
    member = await start(admin, msp_setup, email)
    root = f"/clients/{msp_setup.slug}"
    for path in (f"{root}/api-keys", f"{root}/members/{member}/sessions"):
        assert (await cleo.get(path)).status_code == 200, path
        assert (await admin.get(path)).status_code == 403, path
    assert f"{root}/api-keys" not in (await admin.get(f"{root}/members")).text
    assert await code_of(admin, f"/api/v1{root}/api-keys") == "permission-refused"


async def test_a_partners_member_is_seen_within_the_partners_limits(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    own = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    await start(admin, msp_setup, msp_setup.partner)
    root = f"/clients/{msp_setup.slug}"
    for path in ("channel", "changes", "members", "overview"):
        assert (await admin.get(f"{root}/{path}")).status_code == (await own.get(f"{root}/{path}")).status_code, path
    assert (await admin.get(f"{root}/channel")).status_code == 200
    assert (await admin.get(f"{root}/changes")).status_code == 403
    await admin.post(f"{root}/channel")  # recorded although a partner's scope writes nothing
    assert (await entries(msp_setup))[-1].action in {"impersonation.act_refused", "impersonation.started"}


async def test_every_unsafe_route_is_refused(web_app: WebApp, msp_setup: MspSetup, admin: Visit) -> None:
    """All routes: a new one is refused without being listed."""
    await start(admin, msp_setup, msp_setup.approver)
    swept = 0
    for route in web_app.app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if not isinstance(handler, HTTPRouteHandler) or route.path_format in ENDS:
                continue
            for method in handler.http_methods - SAFE_METHODS:
                if route.path_format.endswith("/impersonation") and method == "DELETE":
                    continue
                path = re.sub(r"\{[^}]*\}", lambda _: str(UUID(int=7)), route.path_format)
                assert await code_of(admin, path, method) == "impersonation-is-read-only", f"{method} {path}"
                swept += 1
    assert swept > 150
    found = await entries(msp_setup)
    assert len(found) == swept + 1
    assert {one.by for one in found} == {"Admin Calm Harbour"}
    assert await code_of(admin, f"/api/v1/clients/{msp_setup.slug}/changes") == "200"


async def test_the_client_sees_it_in_the_trail_and_its_administrators_are_notified(
    msp_setup: MspSetup, admin: Visit, cleo: Visit
) -> None:
    member = await start(admin, msp_setup, msp_setup.approver)
    root = f"/clients/{msp_setup.slug}"
    assert (await admin.get(f"{root}/changes.csv")).status_code == 200
    assert (await admin.api("DELETE", api_of(msp_setup, new_id()))).status_code == 404
    assert (await admin.api("DELETE", api_of(msp_setup, member))).status_code == 204
    found = await entries(msp_setup)
    assert [one.action for one in found] == ["impersonation.started", "list.exported", "impersonation.ended"]
    assert {one.by for one in found} == {"Admin Calm Harbour"}
    assert found[1].looks_as == str(member)
    assert found[0].data["reason"] == REASON
    assert found[2].data["cause"] == "ended"
    shown = (await cleo.get(f"{root}/audit?subject=member:{member}")).text
    assert "Service provider began to view as this member" in shown
    await msp_setup.env.work()
    listed = (await cleo.api("GET", f"/api/v1{root}/notifications")).json()["items"]
    [notification] = [one for one in listed if one["kind"] == "member.impersonated"]
    assert REASON in str(notification)
    assert (await admin.api("GET", "/api/v1/notifications")).json()["items"] == []


async def test_the_clients_pages_show_who_views_them_to_its_administrators_and_to_the_member(  # noqa: PLR0917 - fixtures
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, cleo: Visit, monkeypatch: pytest.MonkeyPatch,
    other_env: ClientEnv,
) -> None:  # fmt: skip
    other, page = await set_up_msp(other_env, name="Far Harbour"), f"/clients/{msp_setup.slug}/changes"
    own = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    viewer = await web_app.signed_in(msp_setup.host, await add(web_app, msp_setup.env.scope, "client_viewer"))
    colleague = await web_app.signed_in(msp_setup.host, await add(web_app, msp_setup.env.msp_account, "msp_operator"))
    stranger = await web_app.signed_in(other.host, await add(web_app, other.env.scope, "client_admin"))
    assert "is viewing the pages as" not in (await cleo.get(page)).text
    await start(admin, msp_setup, msp_setup.approver)
    said = "Admin Calm Harbour of your service provider is viewing the pages as"
    for visit, whom in ((cleo, "Approver Calm Harbour"), (own, "you")):
        shown = (await visit.get(page)).text
        assert (f"{said} {whom}" in shown, f"Reason: {REASON}" in shown) == (True, True), whom
        part = await visit.get(page, headers={"HX-Request": "true", "HX-Boosted": "true"})
        assert f"{said} {whom}" in part.text
    for visit in (viewer, colleague, admin):
        assert said not in (await visit.get(page)).text
    assert said not in (await stranger.get(f"/clients/{other.slug}/changes")).text
    assert (await admin.post("/impersonation/end")).status_code == 303
    assert said not in (await cleo.get(page)).text
    await admin.get("/", follow_redirects=True)
    await start(admin, msp_setup, msp_setup.approver)
    assert said in (await cleo.get(page)).text
    turn_to(web_app, monkeypatch, utc_now() + timedelta(minutes=16))
    assert said not in (await cleo.get(page)).text


async def test_it_ends_by_time_and_its_forms_are_refused_afterwards(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(admin, msp_setup, msp_setup.approver, minutes=60)
    root, stale = f"/clients/{msp_setup.slug}", admin.token
    turn_to(web_app, monkeypatch, utc_now() + timedelta(minutes=61))
    assert await code_of(admin, f"/api/v1{root}/suspension", "POST") == "impersonation-is-read-only"
    assert await code_of(admin, f"/api/v1{root}/changes") == "impersonation-ended"
    assert await code_of(admin, f"/api/v1{root}/changes") == "200"  # as themselves
    assert [one.data.get("cause") for one in await entries(msp_setup)] == [None, None], "its job is not due yet"
    await end_times(msp_setup)
    last = (await entries(msp_setup))[-1]
    assert (last.data["cause"], last.data["by"]) == ("time", "Admin Calm Harbour")
    admin.token = stale
    assert (await admin.post(f"{root}/suspend", {"reason": "by mistake"})).status_code == 403
    assert (await admin.post("/impersonation/end")).headers["location"] == "/"


async def end_times(setup: MspSetup) -> None:
    """Run the jobs of impersonations as if their time were over."""
    async with setup.env.services.db.transaction(setup.env.scope) as session:
        await session.execute(
            text("UPDATE job SET ready_at = clock_timestamp() WHERE kind = :k"), {"k": RECORD_END.name}
        )
    await setup.env.work(until="SELECT count(*) = 0 FROM job WHERE lane = 'impersonation'")


async def test_an_end_before_its_time_and_one_without_another_request_are_recorded_once(
    msp_setup: MspSetup, admin: Visit
) -> None:
    await start(admin, msp_setup, msp_setup.approver)
    assert (await admin.post("/impersonation/end")).status_code == 303
    await end_times(msp_setup)
    assert [one.data.get("cause") for one in await entries(msp_setup)] == [None, "ended"]
    await admin.get("/", follow_redirects=True)
    await start(admin, msp_setup, msp_setup.approver)
    await end_times(msp_setup)
    assert [one.data.get("cause") for one in await entries(msp_setup)] == [None, "ended", None, "time"]


def turn_to(web_app: WebApp, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(type(web_app.services.auth), "clock", property(lambda _: lambda: now), raising=False)


async def test_it_ends_with_the_sign_out_which_ends_both(msp_setup: MspSetup, admin: Visit) -> None:
    await start(admin, msp_setup, msp_setup.approver)
    assert (await admin.post("/sign-out")).status_code == 303
    assert (await admin.get("/fleet")).headers["location"].startswith("/sign-in")
    assert (await entries(msp_setup))[-1].data["cause"] == "sign_out"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("UPDATE member SET status = 'suspended' WHERE id = :member", "suspended"),
        ("UPDATE client SET status = 'suspended'", "suspended"),
        ("UPDATE client SET staff_access = 'on_request'", "access"),
    ],
)
async def test_it_ends_with_a_change_in_the_client(msp_setup: MspSetup, admin: Visit, change: str, cause: str) -> None:
    member = await start(admin, msp_setup, msp_setup.approver)
    async with msp_setup.env.services.db.transaction(msp_setup.env.scope) as session:
        await session.execute(text(change), {"member": member} if ":member" in change else {})
    assert (await admin.get("/")).status_code == 403
    assert (await entries(msp_setup))[-1].data["cause"] == cause
    assert (await admin.get("/fleet")).status_code == 200


async def test_it_ends_with_the_staffs_permission_or_suspension(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    home = msp_setup.env.msp_account
    ada, bob = [await add(web_app, home, "msp_admin") for _ in range(2)]
    (first, first_id), (second, second_id) = [
        (await web_app.signed_in(msp_setup.host, one), await id_of(web_app.services.db, home, one))
        for one in (ada, bob)
    ]
    for visit in (first, second):
        await start(visit, msp_setup, msp_setup.approver)
    assert (await admin.api("PUT", f"/api/v1/members/{first_id}/roles/msp_operator")).status_code == 204
    assert (await admin.api("DELETE", f"/api/v1/members/{first_id}/roles/msp_admin")).status_code == 204
    await admin.get(f"/members/{second_id}")
    assert (await admin.post(f"/members/{second_id}/suspend", {"reason": "left"})).status_code == 303
    assert await code_of(first, f"/api/v1/clients/{msp_setup.slug}/changes") == "impersonation-ended"
    assert await code_of(second, f"/api/v1/clients/{msp_setup.slug}/changes") == "unauthenticated"
    assert [one.data["cause"] for one in (await entries(msp_setup))[-2:]] == ["permission", "suspended"]


async def test_a_client_that_admits_on_request_is_seen_within_the_granted_role_and_time(
    msp_setup: MspSetup, admin: Visit, cleo: Visit
) -> None:
    root = f"/clients/{msp_setup.slug}"
    member = await member_of(msp_setup, msp_setup.approver)
    assert (await cleo.post(f"{root}/access/setting", {"staff_access": "on_request"})).status_code == 303
    assert await code_of(admin, api_of(msp_setup, member), "POST") == "access-needed"
    wanted = {"role": "client_finance", "reason": "Look", "hours": 1}
    asked = (await admin.api("POST", f"/api/v1{root}/access", wanted)).json()["id"]
    granted = await cleo.api("POST", f"/api/v1{root}/access/{asked}/answer", {"grant": True})
    assert granted.status_code == 200, granted.text
    await start(admin, msp_setup, msp_setup.approver, minutes=60)
    assert (await admin.get(f"{root}/invoices")).status_code == 200
    assert (await admin.get(f"{root}/connections")).status_code == 403  # not of the granted role
    await cleo.api("POST", f"/api/v1{root}/access/{asked}/end")
    assert (await admin.get(f"{root}/invoices")).status_code == 403
    assert (await entries(msp_setup))[-1].data["cause"] == "access"


async def test_members_of_the_msp_of_siblings_and_of_other_msps_are_not_found(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, services: Services, other_env: ClientEnv
) -> None:
    other = await set_up_msp(other_env, name="Far Harbour")
    sibling = Scope(msp_setup.env.scope.msp_id, new_id(), msp_setup.env.scope.actor)
    staff = await id_of(services.db, msp_setup.env.msp_account, msp_setup.admin)
    stranger = await member_of(other, other.partner)
    for member in (staff, stranger, sibling.tenant_id):
        assert (await admin.api("POST", api_of(msp_setup, member), START)).status_code == 404
    assert (await admin.api("POST", api_of(other, stranger), START)).status_code == 404
    assert await code_of(admin, f"/members/{staff}/impersonation", "POST") in {"404", "405", "not-found"}
    await start(admin, msp_setup, msp_setup.approver)
    assert (await admin.get(f"/clients/{other.slug}/changes")).status_code == 404
    assert await entries(other) == []


async def test_only_a_session_of_an_msp_administrator_may(
    web_app: WebApp, msp_setup: MspSetup, cleo: Visit, services: Services
) -> None:
    member = await member_of(msp_setup, msp_setup.approver)
    operator = await web_app.signed_in(msp_setup.host, await add(web_app, msp_setup.env.msp_account, "msp_operator"))
    for visit in (operator, cleo):
        assert await code_of(visit, api_of(msp_setup, member), "POST") == "permission-refused"
        assert "View as this member" not in (await visit.get(f"/clients/{msp_setup.slug}/members/{member}")).text
    async with services.db.transaction(msp_setup.env.msp_account) as session:
        wanted = NewApiKey(new_id(), "Tool", "msp_admin", manages_access=True)
        _, key = await create_api_key(session, new_secret, wanted, now=utc_now())
    sent = await web_app.visit(msp_setup.host).http.post(
        api_of(msp_setup, member), json=START, headers={"Authorization": f"Bearer {key}"}
    )
    assert sent.status_code == 403
    assert await entries(msp_setup) == []
