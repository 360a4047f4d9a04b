"""Keys, invitations and approvals have the current rights of the members behind them; the four-eyes rule."""

import asyncio
import secrets
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from canonical.elements import PRICE
from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.changes.propose import propose_change
from policy.publishing import assign_role, publish_rules, revoke_role
from policy.rules import PolicyOutcome, PolicyRule, RuleKind
from tenants.accounts import suspend_client
from tenants.members.repository import mark_suspended
from tests.controlplane.test_administration import actions
from tests.controlplane.test_cli import call
from tests.controlplane.test_invitations import choose_password, form, fresh, link_in
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.values import at, minor
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE_DOLLAR = {"type": "money", "amount": "1", "currency": "USD"}


def address(who: str) -> str:
    return f"{who}-{secrets.token_hex(4)}@example.test"


async def add(env: ClientEnv, scope: Scope, role: str) -> tuple[UUID, str]:
    email = address(role)
    return await add_member(env.services, scope, NewAccountMember(email, role.title(), PASSWORD, role)), email


class Key:
    def __init__(self, web_app: WebApp, host: str, text: str) -> None:
        self.visit, self.text = web_app.visit(host), text

    async def __call__(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.text}", "accept": "application/json"}
        return await self.visit.http.request(method, f"/api/v1{path}", json=body, headers=headers)


async def make_key(web_app: WebApp, msp_setup: MspSetup, maker: Visit, path: str, role: str, **more: object) -> Key:
    made = await maker.api("POST", f"/api/v1{path}/api-keys", {"name": "Tool", "role": role, **more})
    assert made.status_code == 201, made.text
    return Key(web_app, msp_setup.host, made.json()["key"])


@pytest_asyncio.fixture(loop_scope="module")
async def second_admin(env: ClientEnv) -> tuple[UUID, str]:
    """A second administrator of the client, whose key and rights the tests remove."""
    await add(env, env.scope, "client_admin")
    return await add(env, env.scope, "client_admin")


class TestKeys:
    @pytest.mark.parametrize("home", ["client", "msp"])
    async def test_a_key_is_refused_during_its_creators_suspension_and_accepted_after_it(
        self,
        *,
        web_app: WebApp,
        msp_setup: MspSetup,
        admin: Visit,
        env: ClientEnv,
        second_admin: tuple[UUID, str],
        home: str,
    ) -> None:
        client = f"/clients/{msp_setup.slug}"
        if home == "msp":
            second_admin = await add(env, env.msp_account, "msp_admin")
        maker = await web_app.signed_in(msp_setup.host, second_admin[1])
        role = "msp_admin" if home == "msp" else "client_admin"
        key = await make_key(web_app, msp_setup, maker, "" if home == "msp" else client, role)
        of_client = await make_key(web_app, msp_setup, maker, client, "client_approver")
        members = "/members" if home == "msp" else f"{client}/members"
        for one in (key, of_client):
            assert (await one("GET", f"{client}/changes")).status_code == 200
        suspension = f"/api/v1{members}/{second_admin[0]}/suspension"
        assert (await admin.api("POST", suspension, {"reason": "left"})).status_code == 204
        for one in (key, of_client):
            refused = await one("GET", f"{client}/changes")
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/key-creator-inactive")
        assert (await admin.api("DELETE", suspension)).status_code == 204
        assert (await key("GET", f"{client}/changes")).status_code == 200

    async def test_a_key_never_has_more_rights_than_its_creator_has_now(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, second_admin: tuple[UUID, str]
    ) -> None:
        client = f"/clients/{msp_setup.slug}"
        maker = await web_app.signed_in(msp_setup.host, second_admin[1])
        key = await make_key(web_app, msp_setup, maker, client, "client_admin")
        machine = await make_key(web_app, msp_setup, maker, client, "machine")
        wish = {
            "record_key": "SKU-1",
            "element": "price.list",
            "value": {"type": "money", "amount": "1", "currency": "USD"},
        }
        assert (await key("GET", f"{client}/members")).status_code == 200
        assert (await machine("POST", f"{client}/changes", wish)).status_code != 403
        roles = f"/api/v1{client}/members/{second_admin[0]}/roles"
        assert (await admin.api("PUT", f"{roles}/client_viewer")).status_code == 204
        assert (await admin.api("DELETE", f"{roles}/client_admin")).status_code == 204
        refused = await key("GET", f"{client}/members")
        assert (refused.status_code, "created this API key" in refused.json()["detail"]) == (403, True)
        assert (await machine("POST", f"{client}/changes", wish)).status_code == 403
        assert (await key("GET", f"{client}/changes")).status_code == 200
        assert (await admin.api("DELETE", f"{roles}/client_viewer")).status_code == 204
        assert (await key("GET", f"{client}/changes")).status_code == 403

    async def test_demoted_staffs_keys_in_clients_lose_their_rights(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        client = f"/clients/{msp_setup.slug}"
        staff_id, email = await add(env, env.msp_account, "msp_admin")
        key = await make_key(web_app, msp_setup, await web_app.signed_in(msp_setup.host, email), client, "client_admin")
        assert (await key("GET", f"{client}/api-keys")).status_code == 200
        assert (await admin.api("PUT", f"/api/v1/members/{staff_id}/roles/msp_operator")).status_code == 204
        assert (await admin.api("DELETE", f"/api/v1/members/{staff_id}/roles/msp_admin")).status_code == 204
        assert (await key("GET", f"{client}/api-keys")).status_code == 403
        assert (await key("GET", f"{client}/changes")).status_code == 200

    async def test_no_key_manages_members_roles_invitations_or_keys(
        self, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, second_admin: tuple[UUID, str]
    ) -> None:
        client = f"/clients/{msp_setup.slug}"
        other_id, _ = await add(env, env.scope, "client_viewer")
        key = await make_key(
            web_app, msp_setup, await web_app.signed_in(msp_setup.host, second_admin[1]), client, "client_admin"
        )
        member = f"{client}/members/{other_id}"
        for method, path, body in [
            ("POST", f"{client}/members", {"email": fresh(), "name": "Eve", "role": "client_admin"}),
            ("POST", f"{member}/invitation", None), ("DELETE", f"{member}/invitation", None),
            ("POST", f"{member}/suspension", {"reason": "x"}), ("DELETE", f"{member}/suspension", None),
            ("PUT", f"{member}/roles/client_admin", None), ("DELETE", f"{member}/roles/client_viewer", None),
            ("PUT", f"{member}/confirmation", None), ("DELETE", f"{member}/sessions", None),
            ("POST", f"{client}/api-keys", {"name": "More"}), ("DELETE", f"{client}/api-keys/{other_id}", None),
        ]:  # fmt: skip
            refused = await key(method, path, body)
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/permission-refused"), (
                method,
                path,
            )
        assert (await key("GET", f"{client}/members")).status_code == 200

    async def test_a_key_with_access_management_is_marked_audited_and_creates_no_other(
        self, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, second_admin: tuple[UUID, str]
    ) -> None:
        client = f"/clients/{msp_setup.slug}"
        maker = await web_app.signed_in(msp_setup.host, second_admin[1])
        key = await make_key(web_app, msp_setup, maker, client, "client_admin", manages_access=True)
        listed = (await key("GET", f"{client}/api-keys")).json()["items"]
        assert [one["manages_access"] for one in listed] == [True]
        invited = await key("POST", f"{client}/members", {"email": fresh(), "name": "Mia", "role": "client_viewer"})
        assert invited.status_code == 201
        assert (await key("POST", f"{client}/api-keys", {"name": "More"})).status_code == 201
        more = await key("POST", f"{client}/api-keys", {"name": "More", "manages_access": True})
        assert more.status_code == 403
        for method, act in (("POST", "suspension"), ("DELETE", "suspension")):
            own = await key(
                method, f"{client}/members/{second_admin[0]}/{act}", {"reason": "x"} if method == "POST" else None
            )
            assert own.status_code == 409, (method, own.text)
        [noted] = await env.rows("SELECT body FROM audit_entry WHERE action = 'api_key.created' ORDER BY seq LIMIT 1")
        assert '"manages_access":true' in str(noted[0])


class TestInvitations:
    @pytest.mark.parametrize("lost", ["suspended", "demoted"])
    @pytest.mark.parametrize("home", ["client", "msp"])
    async def test_an_invitation_ends_with_its_inviters_rights(
        self,
        *,
        web_app: WebApp,
        msp_setup: MspSetup,
        admin: Visit,
        env: ClientEnv,
        second_admin: tuple[UUID, str],
        home: str,
        lost: str,
    ) -> None:
        members = f"/clients/{msp_setup.slug}/members"
        if home == "msp":
            second_admin = await add(env, env.msp_account, "msp_admin")
        inviter = await web_app.signed_in(msp_setup.host, second_admin[1])
        await inviter.get(members)
        link = link_in(await inviter.post(f"{members}/invite", form(fresh(), "client_viewer")))
        path, guest = httpx.URL(link).path, web_app.visit(msp_setup.host)
        assert (await guest.get(path)).status_code == 200
        own = "/api/v1/members" if home == "msp" else f"/api/v1{members}"
        role = "msp_admin" if home == "msp" else "client_admin"
        if lost == "suspended":
            answer = await admin.api("POST", f"{own}/{second_admin[0]}/suspension", {"reason": "left"})
        else:
            answer = await admin.api("DELETE", f"{own}/{second_admin[0]}/roles/{role}")
        assert answer.status_code == 204, answer.text
        assert (await guest.get(path)).status_code == 410
        assert (await choose_password(guest, link)).status_code == 410
        await admin.get(members)
        row = await env.rows("SELECT id FROM member WHERE invite_hash IS NOT NULL")
        renewed = link_in(await admin.post(f"{members}/{row[0][0]}/invitation"))
        assert (await choose_password(guest, renewed)).status_code == 303


class TestLastAdministrator:
    async def test_the_last_administrator_of_a_client_is_neither_suspended_nor_demoted(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv
    ) -> None:
        members = f"/clients/{msp_setup.slug}/members"
        last, email = await add(env, env.scope, "client_admin")
        invited = form(fresh(), "client_admin")  # a member who has not joined does not count
        await admin.get(members)
        assert (await admin.post(f"{members}/invite", invited)).status_code == 200
        for answer in (
            await admin.api("POST", f"/api/v1{members}/{last}/suspension", {"reason": "x"}),
            await admin.api("DELETE", f"/api/v1{members}/{last}/roles/client_admin"),
        ):
            assert (answer.status_code, answer.json()["type"]) == (409, "/problems/last-administrator")
        await admin.get(f"{members}/{last}")
        page = await admin.post(f"{members}/{last}/suspend", {"reason": "x"})
        assert (page.status_code, "last administrator" in page.text) == (409, True)
        assert (await web_app.signed_in(msp_setup.host, email)).token
        await add(env, env.scope, "client_admin")
        assert (await admin.api("POST", f"/api/v1{members}/{last}/suspension", {"reason": "x"})).status_code == 204

    @pytest.mark.parametrize("act", ["suspend", "demote", "one of each"])
    async def test_two_administrators_cannot_suspend_each_other_at_once(
        self, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, act: str
    ) -> None:
        emails = {}
        for _ in range(2):
            who, email = await add(env, env.scope, "client_admin")
            emails[who] = await web_app.signed_in(msp_setup.host, email)
        (one, first), (other, second) = emails.items()

        async def remove(by: Visit, whom: UUID, how: str) -> int:
            path = f"/api/v1/clients/{msp_setup.slug}/members/{whom}"
            if how == "suspend":
                return (await by.api("POST", f"{path}/suspension", {"reason": "x"})).status_code
            return (await by.api("DELETE", f"{path}/roles/client_admin")).status_code

        hows = ("suspend", "demote") if act == "one of each" else (act, act)
        done = await asyncio.gather(remove(first, other, hows[0]), remove(second, one, hows[1]))
        assert 204 in done
        assert sorted(done)[1] in {401, 403, 409}, done
        left = [v for v in (first, second) if (await v.get(f"/clients/{msp_setup.slug}/members")).status_code == 200]
        assert len(left) == 1

    async def test_the_operator_reinstates_the_last_one_and_it_is_audited(
        self, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        who, email = await add(env, env.msp_account, "msp_admin")
        async with env.services.db.transaction(env.msp_account) as session:
            await mark_suspended(session, member_id=who, reason="slip", now=utc_now())
        assert (await web_app.visit(msp_setup.host).sign_in(email)).status_code == 403
        msp = ("--msp", str(env.msp_account.msp_id))
        resume = ("member", "resume", *msp, "--email", email.upper(), "--reason", "locked out", "--administrator")
        done = await asyncio.to_thread(call, environment, *resume)
        assert (done.exit_code, f"{email} can sign in" in done.output) == (0, True), done.output
        assert (await (await web_app.signed_in(msp_setup.host, email)).get("/members")).status_code == 200
        async with env.services.db.transaction(env.msp_account) as session:
            found = await session.execute(text("SELECT body FROM audit_entry WHERE action = 'member.resumed'"))
            [body] = found.scalars()
        assert "locked out" in body
        assert '"name":"operator"' in body
        blank = await asyncio.to_thread(call, environment, *resume[:-2], " \t")
        assert (blank.exit_code, "Enter a reason" in blank.output) == (2, True)
        nobody = await asyncio.to_thread(
            call, environment, "member", "resume", *msp, "--email", "no@example.test", "--reason", "x"
        )
        assert (nobody.exit_code, "Nobody in this account" in nobody.output) == (1, True)

    async def test_a_partners_user_is_made_no_administrator(
        self, msp_setup: MspSetup, env: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        scope = ("--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id))
        resume = ("member", "resume", *scope, "--email", msp_setup.partner, "--reason", "x", "--administrator")
        done = await asyncio.to_thread(call, environment, *resume)
        assert (done.exit_code, "a partner's member" in done.output) == (1, True), done.output
        done = await asyncio.to_thread(call, environment, *resume[:-1])
        assert (done.exit_code, "can sign in" in done.output) == (0, True), done.output
        async with env.services.db.transaction(env.scope) as session:
            await suspend_client(session, reason="unpaid", now=utc_now())
        done = await asyncio.to_thread(call, environment, *resume[:-1])
        assert (done.exit_code, "the account is suspended" in done.output) == (0, True), done.output

    async def test_no_link_is_issued_for_a_suspended_member(
        self, env: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        who, email = await add(env, env.msp_account, "msp_admin")
        async with env.services.db.transaction(env.msp_account) as session:
            await mark_suspended(session, member_id=who, reason="slip", now=utc_now())
        link = ("member", "reset-password", "--msp", str(env.msp_account.msp_id), "--email", email)
        done = await asyncio.to_thread(call, environment, *link)
        assert (done.exit_code, "fairlead member resume" in done.output) == (1, True), done.output

    async def test_the_operator_confirms_only_members_who_joined(
        self, msp_setup: MspSetup, admin: Visit, env: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        """Otherwise the inviter could use the link and act as the second person."""
        members, email = f"/clients/{msp_setup.slug}/members", fresh()
        await admin.get(members)
        link_in(await admin.post(f"{members}/invite", form(email, "client_approver")))
        scope = ("--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id))
        done = await asyncio.to_thread(call, environment, "member", "confirm", *scope, "--email", email)
        assert (done.exit_code, "has not joined yet" in done.output) == (1, True), done.output


class TestLapsedApprovals:
    @pytest_asyncio.fixture(loop_scope="module")
    async def asked(self, env: ClientEnv) -> UUID:
        """A change that its proposer submitted for approval."""
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))
        return UUID(int=0)

    async def propose(self, env: ClientEnv, by: Scope, amount: int) -> UUID:
        async with env.services.db.transaction(by) as session:
            return await propose_change(
                session, env.services.governance, key=at("SKU-1", PRICE), value=minor(amount, "USD")
            )

    def as_member(self, scope: Scope, who: UUID) -> Scope:
        return replace(scope, actor=Actor("member", str(who), "Somebody"))

    async def state(self, env: ClientEnv, change: UUID) -> tuple[object, ...]:
        [row] = await env.rows("SELECT state, reason FROM change WHERE id = :id", id=change)
        return row

    @pytest.mark.parametrize("lost", ["suspended", "demoted"])
    @pytest.mark.parametrize("home", ["client", "msp"])
    async def test_an_approval_of_a_member_who_lost_the_right_is_requested_again(
        self, asked: UUID, env: ClientEnv, home: str, lost: str
    ) -> None:
        scope, role = (env.msp_account, "msp_admin") if home == "msp" else (env.scope, "client_approver")
        decider, _ = await add(env, scope, role)
        proposer, _ = await add(env, env.scope, "client_approver")
        change = await self.propose(env, self.as_member(env.scope, proposer), 1_000)
        async with env.services.db.transaction(self.as_member(env.scope, decider)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        async with env.services.db.transaction(scope) as session:
            if lost == "suspended":
                await mark_suspended(session, member_id=decider, reason="left", now=utc_now())
            else:
                await revoke_role(session, scope, member_id=decider, role=role, clock=utc_now, new_id=new_id)
        await env.work()
        assert (await self.state(env, change))[0] == "awaiting_approval"
        [found] = await env.exceptions("code = 'approval.stale'")
        assert "was suspended, or lost the permission" in found.detail
        other, _ = await add(env, env.scope, "client_approver")
        async with env.services.db.transaction(self.as_member(env.scope, other)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        await env.work()
        assert (await self.state(env, change))[0] == "released"

    @pytest.mark.parametrize(
        ("home", "named", "other"),
        [("client", "client_finance", "client_approver"), ("msp", "msp_supervisor", "msp_approver")],
    )
    async def test_an_approval_of_a_member_who_lost_the_named_role_is_requested_again(
        self, asked: UUID, env: ClientEnv, home: str, named: str, other: str
    ) -> None:
        """The member may still answer approvals, but not this one."""
        scope = env.msp_account if home == "msp" else env.scope
        rule = PolicyRule("by-one", RuleKind.GOVERNANCE, "proposal", "", PRICE, PolicyOutcome.REVIEW, approver=named)
        async with env.services.db.transaction(env.scope) as session:
            await publish_rules(session, env.scope, rules=[rule], clock=utc_now, new_id=new_id)
        proposer, _ = await add(env, env.scope, "client_approver")
        first, second = [(await add(env, scope, named))[0] for _ in range(2)]
        async with env.services.db.transaction(scope) as session:
            await assign_role(session, scope, member_id=first, role=other, clock=utc_now, new_id=new_id)
        change = await self.propose(env, self.as_member(env.scope, proposer), 1_000)
        for decider, expected in ((first, "awaiting_approval"), (second, "released")):
            acting = replace(env.scope, actor=Actor("member", str(decider), "Somebody", roles=(named,)))
            async with env.services.db.transaction(acting) as session:
                await answer_change(session, change, grant=True, reason="", now=utc_now())
            async with env.services.db.transaction(scope) as session:
                await revoke_role(session, scope, member_id=first, role=named, clock=utc_now, new_id=new_id)
            await env.work()
            assert (await self.state(env, change))[0] == expected
        [found] = await env.exceptions("code = 'approval.stale'")
        assert "lost the permission or the role" in found.detail

    async def test_a_suspended_members_proposal_is_not_released(self, asked: UUID, env: ClientEnv) -> None:
        proposer, _ = await add(env, env.scope, "client_approver")
        decider, _ = await add(env, env.scope, "client_approver")
        change = await self.propose(env, self.as_member(env.scope, proposer), 1_000)
        async with env.services.db.transaction(env.scope) as session:
            await mark_suspended(session, member_id=proposer, reason="left", now=utc_now())
        async with env.services.db.transaction(self.as_member(env.scope, decider)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        await env.work()
        state, reason = await self.state(env, change)
        assert (state, "may_not_propose" in str(reason)) == ("refused", True)
        assert await env.rows("SELECT 1 FROM propagation WHERE change_id = :id", id=change) == []

    async def test_approvals_of_members_in_good_standing_are_released(self, asked: UUID, env: ClientEnv) -> None:
        proposer, _ = await add(env, env.scope, "client_approver")
        decider, _ = await add(env, env.msp_account, "msp_admin")
        change = await self.propose(env, self.as_member(env.scope, proposer), 1_000)
        async with env.services.db.transaction(self.as_member(env.scope, decider)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        await env.work()
        assert (await self.state(env, change))[0] == "released"


class TestSameIdentity:
    """The inviter cannot become the second person by using the link."""

    @pytest_asyncio.fixture(loop_scope="module")
    async def editable(self, env: ClientEnv) -> None:
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))

    async def join(self, web_app: WebApp, msp_setup: MspSetup, inviter: Visit, role: str) -> tuple[Visit, str]:
        members, email = f"/clients/{msp_setup.slug}/members", fresh()
        await inviter.get(members)
        link = link_in(await inviter.post(f"{members}/invite", form(email, role)))
        guest = web_app.visit(msp_setup.host)
        assert (await choose_password(guest, link)).status_code == 303
        await guest.get("/", follow_redirects=True)
        return guest, email

    async def propose(self, by: Visit, msp_setup: MspSetup, key: str) -> str:
        wish = {
            "record_key": key,
            "element": "price.list",
            "value": {"type": "money", "amount": "1", "currency": "USD"},
        }
        made = await by.api("POST", f"/api/v1/clients/{msp_setup.slug}/changes", wish)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def approve(self, by: Visit, msp_setup: MspSetup, change: str) -> int:
        path = f"/api/v1/clients/{msp_setup.slug}/changes/{change}/answer"
        answer = await by.api("POST", path, {"grant": True})
        if answer.status_code == 403:
            assert answer.json()["type"] == "/problems/own-approval"
        return answer.status_code

    async def test_inviter_and_invited_count_as_one_until_confirmed_independently(
        self,
        *,
        web_app: WebApp,
        msp_setup: MspSetup,
        admin: Visit,
        env: ClientEnv,
        second_admin: tuple[UUID, str],
        editable: None,
    ) -> None:
        inviter = await web_app.signed_in(msp_setup.host, second_admin[1])
        second, email = await self.join(web_app, msp_setup, inviter, "client_admin")
        third, _ = await self.join(web_app, msp_setup, inviter, "client_approver")
        fourth, _ = await self.join(web_app, msp_setup, second, "client_approver")
        of_inviter, of_second, of_third = [
            await self.propose(who, msp_setup, f"SKU-{n}") for n, who in enumerate((inviter, second, third))
        ]
        for decider in (inviter, second, third, fourth):
            for change in (of_inviter, of_second, of_third):
                assert await self.approve(decider, msp_setup, change) == 403
        shown = await second.get(f"/clients/{msp_setup.slug}/approvals/{of_inviter}")
        assert "You are not confirmed as independent" in shown.text
        assert (
            "Someone you invited proposed this"
            in (await inviter.get(f"/clients/{msp_setup.slug}/approvals/{of_second}")).text
        )
        [row] = await env.rows("SELECT id FROM member WHERE email = :email", email=email)
        confirmation = f"/api/v1/clients/{msp_setup.slug}/members/{row[0]}/confirmation"
        for one in (inviter, second):
            assert (await one.api("PUT", confirmation)).status_code == 403
        page = f"/clients/{msp_setup.slug}/members/{row[0]}"
        assert "Not confirmed yet" in (await inviter.get(page)).text
        assert f'action="{page}/confirm"' not in (await inviter.get(page)).text
        assert f'action="{page}/confirm"' in (await admin.get(page)).text
        assert (await admin.post(f"{page}/confirm")).status_code == 303
        assert "Not confirmed yet" not in (await admin.get(page)).text
        assert "member.confirmed" in await actions(env)
        assert await self.approve(second, msp_setup, of_inviter) == 202
        assert await self.approve(third, msp_setup, of_third) == 403

    async def test_the_operator_confirms_when_no_member_can(
        self, *, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, second_admin: tuple[UUID, str], editable: None,
        environment: dict[str, str | None],
    ) -> None:  # fmt: skip
        inviter = await web_app.signed_in(msp_setup.host, second_admin[1])
        second, email = await self.join(web_app, msp_setup, inviter, "client_approver")
        change = await self.propose(inviter, msp_setup, "SKU-1")
        assert await self.approve(second, msp_setup, change) == 403
        ids = ("--msp", str(env.msp_account.msp_id), "--client", str(env.scope.tenant_id))
        done = await asyncio.to_thread(call, environment, "member", "confirm", *ids, "--email", email)
        assert done.exit_code == 0, done.output
        assert await self.approve(second, msp_setup, change) == 202
