"""Suspension of clients, removal of roles, sign-out of others, pause of connections: permissions and effects."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from canonical.elements import PRICE, STOCK
from connectors.poll_job import poll_lane, schedule_poll
from connectors.webhooks.directory import HookDirectory
from connectors.webhooks.receive import HookReceiver
from controlplane.jobs import build_jobs
from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.errors import Conflict, Unauthenticated
from foundation.ids import new_id
from foundation.jobs.worker import LaneWorker
from tenants.members.repository import NewMember, create_member
from tests.conftest import Urls
from tests.controlplane.test_cli import call, tenancy
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv, second_client
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
async def approver(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.approver)


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(web_app: WebApp, other_env: ClientEnv) -> Visit:
    """The administrator of another MSP."""
    theirs = await set_up_msp(other_env, name="Other")
    return await web_app.signed_in(theirs.host, theirs.admin)


@pytest_asyncio.fixture(loop_scope="module")
async def gate(env: ClientEnv, urls: Urls) -> AsyncIterator[ClientEnv]:
    """A client whose webhook intake caches nothing."""
    directory = HookDirectory(urls.intake, env.services.vault, ttl=0)
    env.receiver = HookReceiver(directory, env.writer, env.services.registry, new_id)
    yield env
    await directory.close()


async def actions(env: ClientEnv) -> list[object]:
    return [row[0] for row in await env.rows("SELECT action FROM audit_entry ORDER BY seq")]


class TestSuspendedClient:
    async def test_its_members_keys_and_webhooks_are_refused_and_its_jobs_wait_in_order(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, approver: Visit, gate: ClientEnv
    ) -> None:
        keys = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        key = (await admin.api("POST", keys, {"name": "Shop", "role": "client_admin"})).json()["key"]
        await gate.deliver(gate.change("SKU-001", STOCK, 1))
        before = await gate.rows("SELECT lane, seq FROM job ORDER BY seq")
        assert before
        page = f"/clients/{msp_setup.slug}/members"
        assert "Suspend client" in (await admin.get(page)).text
        long = await admin.post(f"/clients/{msp_setup.slug}/suspend", {"reason": "kept " * 200})
        assert (long.status_code, "kept " * 199 in long.text, "data-shown" in long.text) == (422, True, True), "U8"
        refused = await admin.post(f"/clients/{msp_setup.slug}/suspend", {"reason": " "})
        assert (refused.status_code, "Enter a reason" in refused.text) == (422, True)
        assert (await admin.post(f"/clients/{msp_setup.slug}/suspend", {"reason": "unpaid"})).status_code == 303
        assert "This client is suspended" in (await admin.get(page)).text
        assert (await approver.get(f"/clients/{msp_setup.slug}/overview")).headers["location"].startswith("/sign-in")
        assert (await web_app.visit(msp_setup.host).sign_in(msp_setup.approver)).status_code == 403
        assert (await with_key(web_app, msp_setup, key)).json()["type"] == "/problems/suspended"
        with pytest.raises(Conflict, match="suspended"):
            await gate.deliver(gate.change("SKU-001", STOCK, 2))
        with pytest.raises(Unauthenticated):  # an unauthenticated sender does not get the reason
            await gate.deliver(gate.change("SKU-001", STOCK, 2), secret="whsec_d3Jvbmc=")
        await gate.work()
        await claim(gate, str(before[0][0]))
        assert await gate.rows("SELECT lane, seq FROM job ORDER BY seq") == before
        async with gate.relay_db.transaction(None) as session:
            assert gate.scope.tenant_id not in set(await session.scalars(text("SELECT tenant_id FROM lane_backlog()")))
        assert (await admin.post(f"/clients/{msp_setup.slug}/resume")).status_code == 303
        await gate.deliver(gate.change("SKU-001", STOCK, 3))
        await gate.work(until="SELECT count(*) = 2 FROM change")
        assert (await gate.rows("SELECT count(*) FROM change"))[0][0] == 2
        assert (await with_key(web_app, msp_setup, key)).status_code == 200
        assert (await web_app.visit(msp_setup.host).sign_in(msp_setup.approver)).status_code == 303
        noted = await gate.rows("SELECT body FROM audit_entry WHERE action = 'client.suspended'")
        assert ["unpaid" in str(body) for (body,) in noted] == [True]
        assert "client.resumed" in await actions(gate)

    async def test_clocks_are_paused_until_any_kind_of_resumption(
        self, msp_setup: MspSetup, admin: Visit, env: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        await env.deliver(env.change("SKU-001", PRICE, 1_000))
        await env.work()
        api = f"/api/v1/clients/{msp_setup.slug}/suspension"

        async def by_command() -> None:
            done = await asyncio.to_thread(call, environment, "client", "resume", *tenancy(env.scope))
            assert done.exit_code == 0

        async def by_page() -> None:
            assert (await admin.post(f"/clients/{msp_setup.slug}/resume")).status_code == 303

        async def by_api() -> None:
            assert (await admin.api("DELETE", api)).status_code == 200

        for resumed in (by_command, by_page, by_api):
            assert (await admin.api("POST", api, {"reason": "unpaid"})).status_code == 200
            async with env.services.db.transaction(env.scope) as session:
                await session.execute(text("UPDATE client SET suspended_at = suspended_at - interval '9 days'"))
            update_as_owner(env, "approval", "created_at = now() - interval '10 days'")
            ((later,),) = await env.rows("SELECT expires_at + interval '9 days' FROM approval")
            await resumed()
            assert await env.rows("SELECT 1 FROM approval WHERE expires_at >= :later", later=later), resumed
            assert await env.rows("SELECT suspended_at FROM client") == [(None,)]

    async def test_is_suspended_by_its_msps_administrators_only(
        self, msp_setup: MspSetup, admin: Visit, approver: Visit, stranger: Visit, env: ClientEnv
    ) -> None:
        sibling = await second_client(env)
        api, body = f"/api/v1/clients/{msp_setup.slug}/suspension", {"reason": "x"}
        assert (await approver.api("POST", api, body)).status_code == 403
        assert (await approver.post(f"/clients/{msp_setup.slug}/suspend", {"reason": "x"})).status_code == 403
        assert (await approver.api("POST", f"/api/v1/clients/{sibling}/suspension", body)).status_code == 404
        assert (await stranger.api("POST", api, body)).status_code == 404
        assert (await approver.get(f"/clients/{msp_setup.slug}/overview")).status_code == 200
        done = await admin.api("POST", api, body)
        assert (done.status_code, done.json()["status"]) == (200, "suspended")
        assert (await admin.api("POST", api, body)).status_code == 200
        assert (await actions(env)).count("client.suspended") == 1
        assert (await admin.api("DELETE", api)).json()["status"] == "active"
        assert (await admin.get(f"/clients/{sibling}/overview")).status_code == 200

    async def test_the_operator_does_it_from_the_command_line(
        self,
        msp_setup: MspSetup,
        approver: Visit,
        env: ClientEnv,
        environment: dict[str, str | None],
    ) -> None:
        async def command(*arguments: str) -> Any:
            return await asyncio.to_thread(call, environment, *arguments)

        for name, state, status in (("suspend", "suspended", 303), ("resume", "active", 303)):
            done = await command("client", name, *tenancy(env.scope), "--reason", "unpaid")
            assert (done.exit_code, done.output) == (0, f"client {msp_setup.slug} is {state}\n")
            assert (await approver.get(f"/clients/{msp_setup.slug}/overview")).status_code == status
        assert {"client.suspended", "client.resumed"} <= set(await actions(env))
        elsewhere = ("--msp", str(new_id()), "--client", str(env.scope.tenant_id))
        assert (await command("client", "suspend", *elsewhere, "--reason", "x")).exit_code == 1
        nothing = await command("invoice", "close", *tenancy(env.scope), "--month", "2026-01")
        assert (nothing.exit_code, "There is nothing to invoice" in nothing.output) == (1, True)
        assert (await command("invoice", "close", *tenancy(env.scope), "--month", "2026-13")).exit_code == 2


async def with_key(web_app: WebApp, msp_setup: MspSetup, key: str) -> httpx.Response:
    machine = web_app.visit(msp_setup.host)
    machine.http.headers["authorization"] = f"Bearer {key}"
    return await machine.api("GET", f"/api/v1/clients/{msp_setup.slug}/changes")


async def claim(env: ClientEnv, lane: str) -> None:
    """The claim of a worker that was woken before the suspension."""
    services = env.services
    worker = LaneWorker(
        services.db, services.ready_queue, build_jobs(services), pool="shared", metrics=services.lane_metrics
    )
    await worker.run_lane(env.scope.msp_id, env.scope.tenant_id, lane)


class TestMembers:
    async def test_a_revoked_role_ends_at_once(
        self, msp_setup: MspSetup, admin: Visit, approver: Visit, env: ClientEnv
    ) -> None:
        member = await member_of(admin, msp_setup.approver, f"/api/v1/clients/{msp_setup.slug}/members")
        page = f"/clients/{msp_setup.slug}/members"
        other = NewAccountMember(f"other-{member}@example.test", "Other", PASSWORD, "client_admin")
        await add_member(env.services, env.scope, other)
        assert f'href="{page}/{member}"' in (await admin.get(page)).text
        shown = (await admin.get(f"{page}/{member}")).text
        assert f'action="{page}/{member}/roles/client_approver/take"' in shown
        assert f'action="{page}/{member}/roles/client_admin/give"' in shown
        assert "client_viewer/give" not in shown  # an approver already has the viewer's permissions
        assert "msp_" not in shown
        assert (await admin.post(f"{page}/{member}/roles/client_admin/give")).status_code == 303
        assert (await approver.get(page)).status_code == 200
        assert (await admin.post(f"{page}/{member}/roles/client_admin/take")).status_code == 303
        assert (await approver.get(page)).status_code == 403
        roles = f"/api/v1/clients/{msp_setup.slug}/members/{member}/roles"
        assert (await admin.api("PUT", f"{roles}/client_viewer")).status_code == 204
        assert (await admin.post(f"{page}/{member}/roles/client_approver/take")).status_code == 303
        assert (await approver.get(f"/clients/{msp_setup.slug}/overview")).status_code == 200
        assert (await admin.api("DELETE", f"{roles}/client_approver")).status_code == 404
        assert (await admin.api("DELETE", f"{roles}/client_viewer")).status_code == 204
        assert (await approver.get(f"/clients/{msp_setup.slug}/overview")).status_code == 403
        assert (await actions(env)).count("policy.roles_changed") >= 4

    async def test_members_cannot_revoke_their_own_roles_or_unassignable_ones(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        own = await member_of(admin, msp_setup.admin, "/api/v1/members")
        refused = await admin.post(f"/members/{own}/roles/msp_admin/take")
        assert (refused.status_code, "from yourself" in refused.text) == (409, True)
        email = f"ca-{secrets.token_hex(4)}@example.test"
        await add_member(env.services, env.scope, NewAccountMember(email, "Client Admin", PASSWORD, "client_admin"))
        client_admin = await web_app.signed_in(msp_setup.host, email)
        members = f"/api/v1/clients/{msp_setup.slug}/members"
        partner = await member_of(admin, msp_setup.partner, members)
        assert (await client_admin.api("PUT", f"{members}/{partner}/roles/client_viewer")).status_code == 422
        assert (await client_admin.api("PUT", f"{members}/{partner}/roles/partner")).status_code == 204
        approver = await member_of(admin, msp_setup.approver, members)
        assert (await client_admin.api("PUT", f"{members}/{approver}/roles/msp_admin")).status_code == 403

    async def test_a_member_signed_out_everywhere_can_sign_in_again(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, approver: Visit, env: ClientEnv
    ) -> None:
        member = await member_of(admin, msp_setup.approver, f"/api/v1/clients/{msp_setup.slug}/members")
        assert (await admin.post(f"/clients/{msp_setup.slug}/members/{member}/sign-out")).status_code == 303
        assert (await approver.get(f"/clients/{msp_setup.slug}/overview")).status_code == 303
        again = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        assert (await again.get(f"/clients/{msp_setup.slug}/overview")).status_code == 200
        sessions = f"/api/v1/clients/{msp_setup.slug}/members/{member}/sessions"
        assert (await admin.api("DELETE", sessions)).status_code == 204
        assert (await again.get(f"/clients/{msp_setup.slug}/overview")).status_code == 303
        assert (await actions(env)).count("member.signed_out_everywhere") == 2

    async def test_a_member_is_suspended_with_a_reason_and_resumed(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, approver: Visit, env: ClientEnv
    ) -> None:
        member = await member_of(admin, msp_setup.approver, f"/api/v1/clients/{msp_setup.slug}/members")
        page = f"/clients/{msp_setup.slug}/members/{member}"
        long = await admin.post(f"{page}/suspend", {"reason": "kept " * 200})
        assert (long.status_code, "kept " * 199 in long.text, "data-shown" in long.text) == (422, True, True), "U8"
        refused = await admin.post(f"{page}/suspend", {"reason": " "})
        assert (refused.status_code, "Enter a reason" in refused.text) == (422, True)
        assert (await admin.post(f"{page}/suspend", {"reason": "left the firm"})).status_code == 303
        assert "This member is suspended" in (await admin.get(page)).text
        assert (await approver.get(f"/clients/{msp_setup.slug}/overview")).status_code == 303
        assert (await web_app.visit(msp_setup.host).sign_in(msp_setup.approver)).status_code == 403
        noted = await env.rows("SELECT body FROM audit_entry WHERE action = 'member.suspended'")
        assert ["left the firm" in str(body) for (body,) in noted] == [True]
        assert (await admin.post(f"{page}/resume")).status_code == 303
        assert (await web_app.visit(msp_setup.host).sign_in(msp_setup.approver)).status_code == 303
        own = await member_of(admin, msp_setup.admin, "/api/v1/members")
        refused = await admin.post(f"/members/{own}/suspend", {"reason": "x"})
        assert (refused.status_code, "suspend yourself" in refused.text) == (409, True)

    async def test_members_of_others_are_not_found(
        self, msp_setup: MspSetup, admin: Visit, approver: Visit, stranger: Visit, env: ClientEnv
    ) -> None:
        members = f"/api/v1/clients/{msp_setup.slug}/members"
        member, sibling = await member_of(admin, msp_setup.approver, members), await second_client(env)
        before = await actions(env)
        acts = (("PUT", "roles/client_viewer"), ("DELETE", "roles/client_approver"), ("DELETE", "sessions"))
        for visit, status in ((approver, 403), (stranger, 404)):
            assert (await visit.get(f"/clients/{msp_setup.slug}/members")).status_code == status
            assert (await visit.get(f"/clients/{msp_setup.slug}/members/{member}")).status_code == status
            for tail in ("sign-out", "suspend", "resume", "roles/client_admin/give", "roles/client_approver/take"):
                path = f"/clients/{msp_setup.slug}/members/{member}/{tail}"
                assert (await visit.post(path, {"reason": "x"})).status_code == status, tail
            for method, tail in acts:
                assert (await visit.api(method, f"{members}/{member}/{tail}")).status_code == status, tail
        assert (await admin.api("DELETE", f"/api/v1/clients/{sibling}/members/{member}/sessions")).status_code == 404
        assert (await stranger.api("DELETE", f"/api/v1/members/{member}/sessions")).status_code == 404
        assert await actions(env) == before
        assert "/members" not in (await approver.get(f"/clients/{msp_setup.slug}/overview")).text
        assert f"/clients/{msp_setup.slug}/members" in (await admin.get(f"/clients/{msp_setup.slug}/overview")).text


async def member_of(admin: Visit, email: str, path: str) -> UUID:
    members = (await admin.api("GET", path)).json()["items"]
    return UUID(next(one["id"] for one in members if one["email"] == email))


class TestConnections:
    async def test_a_paused_source_is_refused_and_resumed_with_its_polls(
        self, msp_setup: MspSetup, admin: Visit, gate: ClientEnv
    ) -> None:
        async with gate.services.db.transaction(gate.scope) as session:
            await schedule_poll(session, gate.erp, at=utc_now())
            await session.execute(text("UPDATE timer SET due_at = NULL"))
        page = f"/clients/{msp_setup.slug}/connections"
        assert f"{page}/{gate.erp}/pause" in (await admin.get(page)).text
        assert (await admin.post(f"{page}/{gate.erp}/pause")).status_code == 303
        assert f"{page}/{gate.erp}/resume" in (await admin.get(page)).text
        with pytest.raises(Conflict, match="paused"):
            await gate.deliver(gate.change("SKU-001", STOCK, 1))
        for _ in range(2):
            resumed = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/connections/{gate.erp}/resume")
            assert resumed.status_code == 204
        await gate.deliver(gate.change("SKU-001", STOCK, 1))
        due = await gate.rows("SELECT due_at FROM timer WHERE name = :name", name=poll_lane(gate.erp))
        assert due != [(None,)]
        noted = await actions(gate)
        assert (noted.count("connection.paused"), noted.count("connection.active")) == (1, 1)

    async def test_a_new_secret_is_shown_once_and_the_old_one_holds(
        self, msp_setup: MspSetup, admin: Visit, gate: ClientEnv
    ) -> None:
        page = f"/clients/{msp_setup.slug}/connections"
        await admin.get(page)
        shown = await admin.post(f"{page}/{gate.erp}/webhook-secret")
        assert shown.status_code == 200
        first = shown.text[shown.text.index("whsec_") :].split("<")[0].strip()
        assert first not in (await admin.get(page)).text
        for secret in (first, gate.hook_secret):
            await gate.deliver(gate.change("SKU-001", STOCK, 1), secret=secret)
        answer = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/connections/{gate.erp}/webhook-secret")
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        for secret in (answer.json()["webhook_secret"], first):
            await gate.deliver(gate.change("SKU-001", STOCK, 1), secret=secret)
        with pytest.raises(Unauthenticated):
            await gate.deliver(gate.change("SKU-001", STOCK, 1))
        assert (await actions(gate)).count("connection.webhook_secret_rotated") == 2
        channel = next(iter(gate.channels.values()))
        none = await admin.post(f"{page}/{channel}/webhook-secret")
        assert (none.status_code, "takes no webhooks" in none.text) == (409, True)

    async def test_only_staff_of_this_msp_may(
        self, msp_setup: MspSetup, approver: Visit, stranger: Visit, env: ClientEnv
    ) -> None:
        before = await actions(env)
        for visit, status in ((approver, 403), (stranger, 404)):
            for act in ("pause", "resume", "webhook-secret"):
                path = f"/clients/{msp_setup.slug}/connections/{env.erp}/{act}"
                assert (await visit.api("POST", f"/api/v1{path}")).status_code == status, path
                assert (await visit.post(path)).status_code == status, path
        assert await actions(env) == before
        assert "/pause" not in (await approver.get(f"/clients/{msp_setup.slug}/connections")).text


async def test_the_list_of_members_continues_after_one_hundred(msp_setup: MspSetup, admin: Visit) -> None:
    async with msp_setup.env.services.db.transaction(msp_setup.env.scope) as session:
        for number in range(100):
            wanted = NewMember(new_id(), f"zz-{number:03}@example.test", "Somebody")
            await create_member(session, wanted, now=utc_now())
    first = (await admin.get(f"/clients/{msp_setup.slug}/members")).text
    assert "zz-099@" not in first
    [address] = re.findall(r'href="([^"]+)"[^>]*\sdata-next\b', first)
    second = (await admin.get(address)).text
    assert "zz-099@" in second
    assert "data-next" not in second


class TestUnblockedSignIn:
    async def test_an_administrator_makes_a_device_link_by_page_api_and_command(
        self, *, web_app: WebApp, msp_setup: MspSetup, admin: Visit, approver: Visit, stranger: Visit, env: ClientEnv,
        environment: dict[str, str | None],
    ) -> None:  # fmt: skip
        query = "SELECT id FROM member WHERE email = :email"
        ((member_id,),) = await env.rows(query, email=msp_setup.approver)
        page, api = (f"{root}/{msp_setup.slug}/members/{member_id}" for root in ("/clients", "/api/v1/clients"))
        assert "Unblock sign-in" in (await admin.get(page)).text
        shown = await admin.post(f"{page}/device-link")
        assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
        assert "/sign-in/device/" in shown.text
        made = await admin.api("POST", f"{api}/device-link")
        assert made.status_code == 201
        path = made.json()["link"].partition("/sign-in/")[2]
        visitor = web_app.visit(msp_setup.host)
        assert (await visitor.get(f"/sign-in/{path}")).headers["location"] == "/sign-in"
        for other, status in ((approver, 403), (stranger, 404)):
            assert (await other.api("POST", f"{api}/device-link")).status_code == status
            assert (await other.post(f"{page}/device-link")).status_code == status
        result = await asyncio.to_thread(
            call, environment, "member", "unblock-sign-in", *tenancy(env.scope), "--email", msp_setup.approver
        )
        assert "/sign-in/device/" in result.output
        assert (await actions(env)).count("member.sign_in_unblocked") == 3
