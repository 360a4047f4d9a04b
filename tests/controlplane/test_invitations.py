"""Invitations on the pages, by administrators of an MSP and of a client."""

import re
import secrets
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from controlplane.provisioning import NewAccountMember, add_member, add_partner
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from tests.controlplane.test_administration import actions, member_of
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

_LINK = re.compile(r"http://[^<\s]+/welcome/[A-Za-z0-9_-]+")


@pytest_asyncio.fixture(loop_scope="module")
async def client_admin(web_app: WebApp, msp_setup: MspSetup, env: ClientEnv) -> Visit:
    email = f"ca-{secrets.token_hex(4)}@example.test"
    await add_member(env.services, env.scope, NewAccountMember(email, "Client Admin", PASSWORD, "client_admin"))
    return await web_app.signed_in(msp_setup.host, email)


def link_in(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text[:2000]
    assert answer.headers["cache-control"] == "no-store"
    [link] = set(_LINK.findall(answer.text))
    return str(link)


def form(email: str, role: str, **more: str) -> dict[str, str]:
    return {"email": email, "name": "Mia Sand", "role": role, **more}


def fresh() -> str:
    return f"mia-{secrets.token_hex(4)}@example.test"


async def choose_password(visit: Visit, link: str) -> httpx.Response:
    path = httpx.URL(link).path
    await visit.get(path)
    return await visit.post(path, {"password": PASSWORD, "again": PASSWORD})


class TestInviting:
    async def test_an_invitation_shows_its_link_once(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        members, email = f"/clients/{msp_setup.slug}/members", fresh()
        assert f'href="{members}/invite"' in (await admin.get(members)).text
        assert "Send it to this member only" in (await admin.get(f"{members}/invite")).text
        answer = await admin.post(f"{members}/invite", form(email.upper(), "client_approver"))
        link = link_in(answer)
        assert link.startswith(f"http://{msp_setup.host}/welcome/")
        assert f"Invitation to {email}" in answer.text
        assert "can be used once, until" in answer.text
        [mail] = re.findall(r'href="(mailto:[^"]+)"', answer.text)
        words = parse_qs(urlsplit(unescape(mail)).query)["body"][0]
        assert link in words
        assert not set(words) & set("<>"), "a mail is text"
        assert re.search(r"until \d+ \w{3} \d{4}, \d\d:\d\d UTC:\r\n", words)
        one = await member_of(admin, email, f"/api/v1{members}")
        for page in (members, f"{members}/invitations", f"{members}/{one}"):
            shown = (await admin.get(page)).text
            assert email in shown
            assert "/welcome/" not in shown
        listed = " ".join((await admin.get(f"{members}/invitations")).text.split())
        assert "Pending" in listed
        assert "by Admin " in listed
        assert "Client approver" in listed
        guest = web_app.visit(msp_setup.host)
        assert (await choose_password(guest, link)).headers["location"] == "/"
        landed = await guest.get("/", follow_redirects=True)
        assert (landed.status_code, landed.url.path) == (200, f"/clients/{msp_setup.slug}/overview")
        assert "Accepted" in (await admin.get(f"{members}/invitations")).text
        noted = [each for each in await actions(env) if str(each).startswith(("member.", "policy.roles"))]
        assert noted[-4:] == ["member.created", "policy.roles_changed", "member.invited", "member.password_set"]

    async def test_the_link_is_stored_nowhere(self, msp_setup: MspSetup, admin: Visit, env: ClientEnv) -> None:
        members = f"/clients/{msp_setup.slug}/members"
        await admin.get(members)
        secret = link_in(await admin.post(f"{members}/invite", form(fresh(), "client_viewer")))[-43:]
        for table in ("member", "audit_entry", "job", "policy_version"):
            rows = await env.rows(f"SELECT t::text FROM {table} t")
            assert rows or table == "job"
            assert [row for (row,) in rows if secret in str(row)] == []

    async def test_an_invitation_is_withdrawn_and_reissued(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        members, email = f"/clients/{msp_setup.slug}/members", fresh()
        await admin.get(members)
        first = link_in(await admin.post(f"{members}/invite", form(email, "client_viewer")))
        one = f"{members}/{await member_of(admin, email, '/api/v1' + members)}"
        assert f'action="{one}/invitation/withdraw"' in (await admin.get(f"{members}/invitations")).text
        withdrawn = await admin.post(f"{one}/invitation/withdraw")
        assert (withdrawn.status_code, withdrawn.headers["location"]) == (303, f"{members}/invitations")
        assert (await web_app.visit(msp_setup.host).get(httpx.URL(first).path)).status_code == 410
        shown = (await admin.get(f"{members}/invitations")).text
        assert "Withdrawn" in shown
        assert f'action="{one}/invitation/withdraw"' not in shown
        assert "Invitation withdrawn" in (await admin.get(one)).text
        again = await admin.post(f"{one}/invitation/withdraw")
        assert (again.status_code, "no link to withdraw" in again.text) == (409, True)
        second = link_in(await admin.post(f"{one}/invitation"))
        assert (await choose_password(web_app.visit(msp_setup.host), second)).status_code == 303
        joined = await admin.post(f"{one}/invitation")
        assert (joined.status_code, "already has a password" in joined.text) == (409, True)
        assert (await actions(env)).count("member.invitation_withdrawn") == 1

    async def test_an_expired_invitation_is_reported(self, msp_setup: MspSetup, admin: Visit, env: ClientEnv) -> None:
        members, email = f"/clients/{msp_setup.slug}/members", fresh()
        await admin.get(members)
        await admin.post(f"{members}/invite", form(email, "client_viewer"))
        async with env.services.db.transaction(env.scope) as session:
            late = "UPDATE member SET invite_until = now() - interval '1 minute' WHERE email = :email"
            await session.execute(text(late), {"email": email})
        assert "Expired" in (await admin.get(f"{members}/invitations")).text
        assert "Invitation expired" in (await admin.get(members)).text


class TestWhatIsRefused:
    async def test_errors_are_shown_at_their_field_and_nothing_is_created(
        self, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        members = f"/clients/{msp_setup.slug}/members"
        await admin.get(members)
        before = await actions(env)
        for wrong, status, sentence in (
            ({"email": "nonsense"}, 422, "not an e-mail address"),
            ({"name": " "}, 422, "no visible characters"),
            ({"role": ""}, 422, "Choose what this member may do"),
            ({"role": "msp_admin"}, 403, "You can assign one of"),
            ({"role": "partner"}, 422, "the name of the partner"),
            ({"partner": "nonsense"}, 422, "one of this account"),
            ({"role": "partner", "partner": str(UUID(int=7))}, 404, "no such partner"),
        ):
            answer = await admin.post(f"{members}/invite", form("mia@example.test", "client_viewer") | wrong)
            assert (answer.status_code, sentence in answer.text) == (status, True), wrong
            assert ('value="Mia Sand"' in answer.text) is ("name" not in wrong)
            assert 'class="error"' in answer.text
        assert await actions(env) == before

    async def test_an_existing_member_is_named_and_linked(self, msp_setup: MspSetup, admin: Visit) -> None:
        members = f"/clients/{msp_setup.slug}/members"
        known = await member_of(admin, msp_setup.approver, f"/api/v1{members}")
        await admin.get(members)
        answer = await admin.post(f"{members}/invite", form(msp_setup.approver, "client_viewer"))
        assert answer.status_code == 409
        assert "is in this account already" in answer.text
        assert f'href="{members}/{known}"' in answer.text

    async def test_members_assign_only_roles_within_their_rights(
        self, msp_setup: MspSetup, admin: Visit, client_admin: Visit
    ) -> None:
        members = f"/clients/{msp_setup.slug}/members"
        offered = (await client_admin.get(f"{members}/invite")).text
        roles = re.findall(r'name="role"\s+value="([^"]+)"', offered)
        assert set(roles) == CLIENT_ROLES - {"machine"}
        assert roles[-1] == "partner"
        house_form = (await admin.get("/members/invite")).text
        assert set(re.findall(r'name="role"\s+value="([^"]+)"', house_form)) == MSP_ROLES
        assert (await admin.post("/members/invite", form(fresh(), "client_admin"))).status_code == 403
        await client_admin.get(members)
        assert link_in(await client_admin.post(f"{members}/invite", form(fresh(), "client_admin")))
        await admin.get(members)
        for role in ("msp_admin", "msp_operator", "machine", "root"):
            for inviter in (client_admin, admin):
                assert (await inviter.post(f"{members}/invite", form(fresh(), role))).status_code == 403, role

    async def test_an_unsuitable_role_creates_no_member(self, msp_setup: MspSetup, admin: Visit) -> None:
        """An MSP's administrator has the permissions of a client's viewer, but the role does not exist in the MSP
        account.
        """
        email = fresh()
        await admin.get("/members")
        answer = await admin.post("/members/invite", form(email, "client_viewer"))
        assert (answer.status_code, "You can assign one of" in answer.text) == (403, True)
        assert email not in (await admin.get("/members")).text

    async def test_a_partner_user_is_invited_for_that_partner(
        self, web_app: WebApp, msp_setup: MspSetup, client_admin: Visit, env: ClientEnv
    ) -> None:
        partner_id = await add_partner(env.services, env.scope, name="Fjord Resellers")
        members = f"/clients/{msp_setup.slug}/members"
        assert "Fjord Resellers" in (await client_admin.get(f"{members}/invite")).text
        wanted = form(fresh(), "partner", partner=str(partner_id))
        guest = web_app.visit(msp_setup.host)
        await choose_password(guest, link_in(await client_admin.post(f"{members}/invite", wanted)))
        assert (await guest.get("/", follow_redirects=True)).url.path == f"/clients/{msp_setup.slug}/channel"

    async def test_members_without_the_right_and_of_other_accounts_are_refused(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, client_admin: Visit, other_env: ClientEnv
    ) -> None:
        members, email = f"/clients/{msp_setup.slug}/members", fresh()
        await admin.get(members)
        await admin.post(f"{members}/invite", form(email, "client_viewer"))
        member, sibling = await member_of(admin, email, f"/api/v1{members}"), await second_client(msp_setup.env)
        theirs = await set_up_msp(other_env, name="Other")
        stranger = await web_app.signed_in(theirs.host, theirs.admin)
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        before = await actions(msp_setup.env)
        for visit, status in ((approver, 403), (stranger, 404)):
            for page in ("invite", "invitations"):
                assert (await visit.get(f"{members}/{page}")).status_code == status
            for act in ("invite", f"{member}/invitation", f"{member}/invitation/withdraw"):
                answer = await visit.post(f"{members}/{act}", form(fresh(), "client_viewer"))
                assert answer.status_code == status, act
        for place in ("/members", f"/clients/{sibling}/members"):
            for act in ("invitation", "invitation/withdraw"):
                assert (await admin.post(f"{place}/{member}/{act}")).status_code == 404, place
        assert email not in (await admin.get("/members/invitations")).text
        assert (await client_admin.get("/members/invite")).status_code == 404
        assert await actions(msp_setup.env) == before

    async def test_a_reader_of_members_sees_the_invitations_and_no_way_to_change_them(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        operator, members = fresh(), f"/clients/{msp_setup.slug}/members"
        await add_member(env.services, env.msp_account, NewAccountMember(operator, "Bo", PASSWORD, "msp_operator"))
        await admin.get(members)
        await admin.post(f"{members}/invite", form("mia@example.test", "client_viewer"))
        reader = await web_app.signed_in(msp_setup.host, operator)
        shown = (await reader.get(f"{members}/invitations")).text
        assert "mia@example.test" in shown
        assert "/invite" not in shown.replace(f"{members}/invitations", "")
        forms = set(re.findall(r'<form method="post" action="([^"]*)"', shown.partition("<main")[2]))
        assert forms <= {"/list-views"}, "a view of the list is the reader's own"
        assert (await reader.get(f"{members}/invite")).status_code == 403

    async def test_without_the_pages_token_nothing_is_made(
        self, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        members = f"/clients/{msp_setup.slug}/members"
        before = await actions(env)
        wanted = form(fresh(), "client_viewer") | {"_csrf_token": ""}
        assert (await admin.post(f"{members}/invite", wanted)).status_code == 403
        assert await actions(env) == before
