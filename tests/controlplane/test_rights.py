"""V3, V4 and the four-eyes rule: keys, invitations and approvals are worth what the members behind them may do now."""

import asyncio
import secrets
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from canonical.elements import PRICE
from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.changes.propose import propose_change
from policy.publishing import revoke_role
from tenants.accounts import suspend_client
from tenants.members.repository import mark_suspended
from tests.controlplane.test_administration import actions
from tests.controlplane.test_cli import call
from tests.controlplane.test_invitations import choose_password, form, fresh, link_in
from tests.support.client_env import ClientEnv
from tests.support.values import at, minor
from tests.support.web_app import PASSWORD, House, Visit, WebApp

ONE_DOLLAR = {"type": "money", "amount": "1", "currency": "USD"}


def address(who: str) -> str:
    return f"{who}-{secrets.token_hex(4)}@example.test"


async def add(world: ClientEnv, scope: Scope, role: str) -> tuple[UUID, str]:
    email = address(role)
    return await add_member(world.services, scope, NewAccountMember(email, role.title(), PASSWORD, role)), email


class Key:
    def __init__(self, site: WebApp, host: str, text: str) -> None:
        self.visit, self.text = site.visit(host), text

    async def __call__(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.text}", "accept": "application/json"}
        return await self.visit.http.request(method, f"/api/v1{path}", json=body, headers=headers)


async def make_key(site: WebApp, house: House, maker: Visit, path: str, role: str, **more: object) -> Key:
    made = await maker.api("POST", f"/api/v1{path}/api-keys", {"name": "Tool", "role": role, **more})
    assert made.status_code == 201, made.text
    return Key(site, house.host, made.json()["key"])


@pytest.fixture
async def boss(world: ClientEnv) -> tuple[UUID, str]:
    """A second administrator of the client, whose key and rights the tests take away."""
    await add(world, world.scope, "client_admin")
    return await add(world, world.scope, "client_admin")


class TestKeys:
    @pytest.mark.parametrize("home", ["client", "house"])
    async def test_v3_a_key_ends_with_its_makers_suspension_and_returns_with_it(
        self, *, site: WebApp, house: House, admin: Visit, world: ClientEnv, boss: tuple[UUID, str], home: str
    ) -> None:
        client = f"/clients/{house.slug}"
        if home == "house":
            boss = await add(world, world.msp_account, "msp_admin")
        maker = await site.signed_in(house.host, boss[1])
        role = "msp_admin" if home == "house" else "client_admin"
        key = await make_key(site, house, maker, "" if home == "house" else client, role)
        of_client = await make_key(site, house, maker, client, "client_approver")
        members = "/members" if home == "house" else f"{client}/members"
        for one in (key, of_client):
            assert (await one("GET", f"{client}/changes")).status_code == 200
        suspension = f"/api/v1{members}/{boss[0]}/suspension"
        assert (await admin.api("POST", suspension, {"reason": "left"})).status_code == 204
        for one in (key, of_client):
            refused = await one("GET", f"{client}/changes")
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/key-creator-inactive")
        assert (await admin.api("DELETE", suspension)).status_code == 204
        assert (await key("GET", f"{client}/changes")).status_code == 200

    async def test_v3_a_key_is_never_more_than_its_maker_is_now(
        self, site: WebApp, house: House, admin: Visit, boss: tuple[UUID, str]
    ) -> None:
        client = f"/clients/{house.slug}"
        maker = await site.signed_in(house.host, boss[1])
        key = await make_key(site, house, maker, client, "client_admin")
        machine = await make_key(site, house, maker, client, "machine")
        wish = {
            "record_key": "SKU-1",
            "element": "price.list",
            "value": {"type": "money", "amount": "1", "currency": "USD"},
        }
        assert (await key("GET", f"{client}/members")).status_code == 200
        assert (await machine("POST", f"{client}/changes", wish)).status_code != 403
        roles = f"/api/v1{client}/members/{boss[0]}/roles"
        assert (await admin.api("PUT", f"{roles}/client_viewer")).status_code == 204
        assert (await admin.api("DELETE", f"{roles}/client_admin")).status_code == 204
        refused = await key("GET", f"{client}/members")
        assert (refused.status_code, "created this API key" in refused.json()["detail"]) == (403, True)
        assert (await machine("POST", f"{client}/changes", wish)).status_code == 403
        assert (await key("GET", f"{client}/changes")).status_code == 200
        assert (await admin.api("DELETE", f"{roles}/client_viewer")).status_code == 204
        assert (await key("GET", f"{client}/changes")).status_code == 403

    async def test_v3_staff_who_are_demoted_take_their_keys_in_clients_with_them(
        self, site: WebApp, house: House, admin: Visit, world: ClientEnv
    ) -> None:
        client = f"/clients/{house.slug}"
        staff_id, email = await add(world, world.msp_account, "msp_admin")
        key = await make_key(site, house, await site.signed_in(house.host, email), client, "client_admin")
        assert (await key("GET", f"{client}/api-keys")).status_code == 200
        assert (await admin.api("PUT", f"/api/v1/members/{staff_id}/roles/msp_operator")).status_code == 204
        assert (await admin.api("DELETE", f"/api/v1/members/{staff_id}/roles/msp_admin")).status_code == 204
        assert (await key("GET", f"{client}/api-keys")).status_code == 403
        assert (await key("GET", f"{client}/changes")).status_code == 200

    async def test_v3_no_key_manages_members_roles_invitations_or_keys(
        self, site: WebApp, house: House, world: ClientEnv, boss: tuple[UUID, str]
    ) -> None:
        client = f"/clients/{house.slug}"
        other_id, _ = await add(world, world.scope, "client_viewer")
        key = await make_key(site, house, await site.signed_in(house.host, boss[1]), client, "client_admin")
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

    async def test_v3_a_key_made_for_managing_access_says_so_is_audited_and_makes_none_of_its_kind(
        self, site: WebApp, house: House, world: ClientEnv, boss: tuple[UUID, str]
    ) -> None:
        client = f"/clients/{house.slug}"
        maker = await site.signed_in(house.host, boss[1])
        key = await make_key(site, house, maker, client, "client_admin", manages_access=True)
        listed = (await key("GET", f"{client}/api-keys")).json()["items"]
        assert [one["manages_access"] for one in listed] == [True]
        invited = await key("POST", f"{client}/members", {"email": fresh(), "name": "Mia", "role": "client_viewer"})
        assert invited.status_code == 201
        assert (await key("POST", f"{client}/api-keys", {"name": "More"})).status_code == 201
        more = await key("POST", f"{client}/api-keys", {"name": "More", "manages_access": True})
        assert more.status_code == 403
        for method, act in (("POST", "suspension"), ("DELETE", "suspension")):
            own = await key(method, f"{client}/members/{boss[0]}/{act}", {"reason": "x"} if method == "POST" else None)
            assert own.status_code == 409, (method, own.text)
        [noted] = await world.rows("SELECT body FROM audit_entry WHERE action = 'api_key.created' ORDER BY seq LIMIT 1")
        assert '"manages_access":true' in str(noted[0])


class TestInvitations:
    @pytest.mark.parametrize("lost", ["suspended", "demoted"])
    @pytest.mark.parametrize("home", ["client", "house"])
    async def test_v3_an_invitation_ends_with_its_inviters_rights(
        self,
        *,
        site: WebApp,
        house: House,
        admin: Visit,
        world: ClientEnv,
        boss: tuple[UUID, str],
        home: str,
        lost: str,
    ) -> None:
        members = f"/clients/{house.slug}/members"
        if home == "house":
            boss = await add(world, world.msp_account, "msp_admin")
        inviter = await site.signed_in(house.host, boss[1])
        await inviter.get(members)
        link = link_in(await inviter.post(f"{members}/invite", form(fresh(), "client_viewer")))
        path, guest = httpx.URL(link).path, site.visit(house.host)
        assert (await guest.get(path)).status_code == 200
        own = "/api/v1/members" if home == "house" else f"/api/v1{members}"
        role = "msp_admin" if home == "house" else "client_admin"
        if lost == "suspended":
            answer = await admin.api("POST", f"{own}/{boss[0]}/suspension", {"reason": "left"})
        else:
            answer = await admin.api("DELETE", f"{own}/{boss[0]}/roles/{role}")
        assert answer.status_code == 204, answer.text
        assert (await guest.get(path)).status_code == 410
        assert (await choose_password(guest, link)).status_code == 410
        await admin.get(members)
        row = await world.rows("SELECT id FROM member WHERE invite_hash IS NOT NULL")
        renewed = link_in(await admin.post(f"{members}/{row[0][0]}/invitation"))
        assert (await choose_password(guest, renewed)).status_code == 303


class TestLastAdministrator:
    async def test_v4_the_last_administrator_of_a_client_is_neither_suspended_nor_demoted(
        self, site: WebApp, house: House, admin: Visit, world: ClientEnv
    ) -> None:
        members = f"/clients/{house.slug}/members"
        last, email = await add(world, world.scope, "client_admin")
        invited = form(fresh(), "client_admin")  # who has not joined does not count
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
        assert (await site.signed_in(house.host, email)).token
        await add(world, world.scope, "client_admin")
        assert (await admin.api("POST", f"/api/v1{members}/{last}/suspension", {"reason": "x"})).status_code == 204

    @pytest.mark.parametrize("act", ["suspend", "demote", "one of each"])
    async def test_v4_two_who_act_on_each_other_at_once_leave_one(
        self, site: WebApp, house: House, world: ClientEnv, act: str
    ) -> None:
        emails = {}
        for _ in range(2):
            who, email = await add(world, world.scope, "client_admin")
            emails[who] = await site.signed_in(house.host, email)
        (one, first), (other, second) = emails.items()

        async def remove(by: Visit, whom: UUID, how: str) -> int:
            path = f"/api/v1/clients/{house.slug}/members/{whom}"
            if how == "suspend":
                return (await by.api("POST", f"{path}/suspension", {"reason": "x"})).status_code
            return (await by.api("DELETE", f"{path}/roles/client_admin")).status_code

        hows = ("suspend", "demote") if act == "one of each" else (act, act)
        done = await asyncio.gather(remove(first, other, hows[0]), remove(second, one, hows[1]))
        assert 204 in done
        assert sorted(done)[1] in {401, 403, 409}, done
        left = [v for v in (first, second) if (await v.get(f"/clients/{house.slug}/members")).status_code == 200]
        assert len(left) == 1

    async def test_v4_the_operator_lets_the_last_one_in_again_and_it_is_audited(
        self, site: WebApp, house: House, world: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        who, email = await add(world, world.msp_account, "msp_admin")
        async with world.services.db.transaction(world.msp_account) as session:
            await mark_suspended(session, member_id=who, reason="slip", now=utc_now())
        assert (await site.visit(house.host).sign_in(email)).status_code == 403
        msp = ("--msp", str(world.msp_account.msp_id))
        resume = ("member", "resume", *msp, "--email", email.upper(), "--reason", "locked out", "--administrator")
        done = await asyncio.to_thread(call, environment, *resume)
        assert (done.exit_code, f"{email} can sign in" in done.output) == (0, True), done.output
        assert (await (await site.signed_in(house.host, email)).get("/members")).status_code == 200
        async with world.services.db.transaction(world.msp_account) as session:
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

    async def test_v4_a_partners_user_is_made_no_administrator(
        self, house: House, world: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        scope = ("--msp", str(world.scope.msp_id), "--client", str(world.scope.tenant_id))
        resume = ("member", "resume", *scope, "--email", house.partner, "--reason", "x", "--administrator")
        done = await asyncio.to_thread(call, environment, *resume)
        assert (done.exit_code, "partner's member" in done.output) == (1, True), done.output
        done = await asyncio.to_thread(call, environment, *resume[:-1])
        assert (done.exit_code, "can sign in" in done.output) == (0, True), done.output
        async with world.services.db.transaction(world.scope) as session:
            await suspend_client(session, reason="unpaid", now=utc_now())
        done = await asyncio.to_thread(call, environment, *resume[:-1])
        assert (done.exit_code, "the account is suspended" in done.output) == (0, True), done.output

    async def test_v4_no_link_is_made_for_somebody_who_is_suspended(
        self, world: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        who, email = await add(world, world.msp_account, "msp_admin")
        async with world.services.db.transaction(world.msp_account) as session:
            await mark_suspended(session, member_id=who, reason="slip", now=utc_now())
        link = ("member", "reset-password", "--msp", str(world.msp_account.msp_id), "--email", email)
        done = await asyncio.to_thread(call, environment, *link)
        assert (done.exit_code, "fairlead member resume" in done.output) == (1, True), done.output

    async def test_the_operator_confirms_nobody_who_has_not_joined(
        self, house: House, admin: Visit, world: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        """The inviter could still use the link, and would then be the second pair of eyes."""
        members, email = f"/clients/{house.slug}/members", fresh()
        await admin.get(members)
        link_in(await admin.post(f"{members}/invite", form(email, "client_approver")))
        scope = ("--msp", str(world.scope.msp_id), "--client", str(world.scope.tenant_id))
        done = await asyncio.to_thread(call, environment, "member", "confirm", *scope, "--email", email)
        assert (done.exit_code, "has not joined yet" in done.output) == (1, True), done.output


class TestLapsedApprovals:
    @pytest.fixture
    async def asked(self, world: ClientEnv) -> UUID:
        """A change by its proposer, put up for approval."""
        async with world.services.db.transaction(world.scope) as session:
            await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))
        return UUID(int=0)

    async def propose(self, world: ClientEnv, by: Scope, amount: int) -> UUID:
        async with world.services.db.transaction(by) as session:
            return await propose_change(
                session, world.services.governance, key=at("SKU-1", PRICE), value=minor(amount, "USD")
            )

    def as_member(self, scope: Scope, who: UUID) -> Scope:
        return replace(scope, actor=Actor("member", str(who), "Somebody"))

    async def state(self, world: ClientEnv, change: UUID) -> tuple[object, ...]:
        [row] = await world.rows("SELECT state, reason FROM change WHERE id = :id", id=change)
        return row

    @pytest.mark.parametrize("lost", ["suspended", "demoted"])
    @pytest.mark.parametrize("home", ["client", "house"])
    async def test_v3_an_approval_by_somebody_who_lost_the_right_is_asked_for_again(
        self, asked: UUID, world: ClientEnv, home: str, lost: str
    ) -> None:
        scope, role = (world.msp_account, "msp_admin") if home == "house" else (world.scope, "client_approver")
        decider, _ = await add(world, scope, role)
        proposer, _ = await add(world, world.scope, "client_approver")
        change = await self.propose(world, self.as_member(world.scope, proposer), 1_000)
        async with world.services.db.transaction(self.as_member(world.scope, decider)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        async with world.services.db.transaction(scope) as session:
            if lost == "suspended":
                await mark_suspended(session, member_id=decider, reason="left", now=utc_now())
            else:
                await revoke_role(session, scope, member_id=decider, role=role, clock=utc_now, new_id=new_id)
        await world.work()
        assert (await self.state(world, change))[0] == "awaiting_approval"
        [found] = await world.exceptions("code = 'approval.stale'")
        assert "was suspended, or lost the right to" in found.detail
        other, _ = await add(world, world.scope, "client_approver")
        async with world.services.db.transaction(self.as_member(world.scope, other)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        await world.work()
        assert (await self.state(world, change))[0] == "released"

    async def test_v3_what_somebody_proposed_who_was_suspended_since_is_not_released(
        self, asked: UUID, world: ClientEnv
    ) -> None:
        proposer, _ = await add(world, world.scope, "client_approver")
        decider, _ = await add(world, world.scope, "client_approver")
        change = await self.propose(world, self.as_member(world.scope, proposer), 1_000)
        async with world.services.db.transaction(world.scope) as session:
            await mark_suspended(session, member_id=proposer, reason="left", now=utc_now())
        async with world.services.db.transaction(self.as_member(world.scope, decider)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        await world.work()
        state, reason = await self.state(world, change)
        assert (state, "may_not_propose" in str(reason)) == ("refused", True)
        assert await world.rows("SELECT 1 FROM propagation WHERE change_id = :id", id=change) == []

    async def test_v3_approvals_of_members_in_good_standing_are_released(self, asked: UUID, world: ClientEnv) -> None:
        proposer, _ = await add(world, world.scope, "client_approver")
        decider, _ = await add(world, world.msp_account, "msp_admin")
        change = await self.propose(world, self.as_member(world.scope, proposer), 1_000)
        async with world.services.db.transaction(self.as_member(world.scope, decider)) as session:
            await answer_change(session, change, grant=True, reason="", now=utc_now())
        await world.work()
        assert (await self.state(world, change))[0] == "released"


class TestSameIdentity:
    """The hardening paragraph: the inviter cannot become the second pair of eyes by using the link."""

    @pytest.fixture
    async def editable(self, world: ClientEnv) -> None:
        async with world.services.db.transaction(world.scope) as session:
            await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))

    async def join(self, site: WebApp, house: House, inviter: Visit, role: str) -> tuple[Visit, str]:
        members, email = f"/clients/{house.slug}/members", fresh()
        await inviter.get(members)
        link = link_in(await inviter.post(f"{members}/invite", form(email, role)))
        guest = site.visit(house.host)
        assert (await choose_password(guest, link)).status_code == 303
        await guest.get("/", follow_redirects=True)
        return guest, email

    async def propose(self, by: Visit, house: House, key: str) -> str:
        wish = {
            "record_key": key,
            "element": "price.list",
            "value": {"type": "money", "amount": "1", "currency": "USD"},
        }
        made = await by.api("POST", f"/api/v1/clients/{house.slug}/changes", wish)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def approve(self, by: Visit, house: House, change: str) -> int:
        path = f"/api/v1/clients/{house.slug}/changes/{change}/answer"
        answer = await by.api("POST", path, {"grant": True})
        if answer.status_code == 403:
            assert answer.json()["type"] == "/problems/own-approval"
        return answer.status_code

    async def test_inviter_and_invited_count_as_one_until_somebody_independent_confirms(
        self, *, site: WebApp, house: House, admin: Visit, world: ClientEnv, boss: tuple[UUID, str], editable: None
    ) -> None:
        inviter = await site.signed_in(house.host, boss[1])
        second, email = await self.join(site, house, inviter, "client_admin")
        third, _ = await self.join(site, house, inviter, "client_approver")
        fourth, _ = await self.join(site, house, second, "client_approver")
        of_inviter, of_second, of_third = [
            await self.propose(who, house, f"SKU-{n}") for n, who in enumerate((inviter, second, third))
        ]
        for decider in (inviter, second, third, fourth):
            for change in (of_inviter, of_second, of_third):
                assert await self.approve(decider, house, change) == 403
        shown = await second.get(f"/clients/{house.slug}/approvals/{of_inviter}")
        assert "You are not confirmed as independent" in shown.text
        assert (
            "Somebody you invited proposed this"
            in (await inviter.get(f"/clients/{house.slug}/approvals/{of_second}")).text
        )
        [row] = await world.rows("SELECT id FROM member WHERE email = :email", email=email)
        confirmation = f"/api/v1/clients/{house.slug}/members/{row[0]}/confirmation"
        for one in (inviter, second):
            assert (await one.api("PUT", confirmation)).status_code == 403
        page = f"/clients/{house.slug}/members/{row[0]}"
        assert "Not confirmed yet" in (await inviter.get(page)).text
        assert f'action="{page}/confirm"' not in (await inviter.get(page)).text
        assert f'action="{page}/confirm"' in (await admin.get(page)).text
        assert (await admin.post(f"{page}/confirm")).status_code == 303
        assert "Not confirmed yet" not in (await admin.get(page)).text
        assert "member.confirmed" in await actions(world)
        assert await self.approve(second, house, of_inviter) == 202
        assert await self.approve(third, house, of_third) == 403

    async def test_the_operator_confirms_where_nobody_else_can(
        self, *, site: WebApp, house: House, world: ClientEnv, boss: tuple[UUID, str], editable: None,
        environment: dict[str, str | None],
    ) -> None:  # fmt: skip
        inviter = await site.signed_in(house.host, boss[1])
        second, email = await self.join(site, house, inviter, "client_approver")
        change = await self.propose(inviter, house, "SKU-1")
        assert await self.approve(second, house, change) == 403
        ids = ("--msp", str(world.msp_account.msp_id), "--client", str(world.scope.tenant_id))
        done = await asyncio.to_thread(call, environment, "member", "confirm", *ids, "--email", email)
        assert done.exit_code == 0, done.output
        assert await self.approve(second, house, change) == 202
