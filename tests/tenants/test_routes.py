from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import httpx
import pytest

from foundation.ids import new_id
from policy.errors import RoleNotAssignable
from policy.index import roles_of
from policy.publishing import assign_role
from tenants.auth.api_keys import list_api_keys, revoke_api_key
from tenants.auth.services import AuthServices
from tenants.auth.sign_in import authenticate
from tenants.invitations.issue import invite_member, reissue_invitation
from tenants.mail.mailer import Portal
from tenants.members.repository import NewMember, create_member, get_member
from tenants.partners.manage import create_partner
from tenants.principal import Principal
from tenants.states import PartnerKind
from tests.tenants.auth.test_api_keys import make_key
from tests.tenants.conftest import (
    NOW,
    PASSWORD,
    Somebody,
    Tenant,
    Ticking,
    credentials,
    make_client,
    make_member,
)
from tests.tenants.test_pages import page_token
from tests.tenants.web_app import Browser, build_site, give_host, visiting

PORTAL = Portal("https://portal.example", None)


@pytest.fixture
async def api(auth: AuthServices, msp: Tenant) -> AsyncIterator["Api"]:
    host = f"api-{new_id().hex}.example"
    await give_host(auth.db, msp, host)
    async with visiting(build_site(auth)) as client:
        yield Api(Browser(client, f"https://{host}"))


class Api:
    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    async def __call__(self, method: str, path: str, key: str = "", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return await self.browser.send(method, f"/api/v1{path}", headers=headers | more.pop("headers", {}), **more)


async def member_with(auth: AuthServices, tenant: Tenant, role: str) -> Somebody:
    somebody = await make_member(auth.db, auth.passwords, tenant, f"{role.replace('_', '.')}@example.com")
    async with auth.db.transaction(tenant.scope) as session:
        await assign_role(session, tenant.scope, member_id=somebody.id, role=role, clock=auth.clock, new_id=new_id)
    return somebody


class TestClients:
    async def test_staff_list_their_own_clients_page_by_page(
        self, api: Api, auth: AuthServices, msp: Tenant, client: Tenant, other_msp: Tenant
    ) -> None:
        await make_client(auth.db, msp, "borealis")
        await make_client(auth.db, other_msp, "camellia")
        _, key = await make_key(auth, msp, "msp_operator")
        first = (await api("GET", "/clients?limit=1", key)).json()
        assert [c["id"] for c in first["items"]] == [str(client.scope.tenant_id)]
        rest = (await api("GET", f"/clients?cursor={first['next_cursor']}", key)).json()
        assert [c["slug"] for c in rest["items"]] == ["borealis"]
        assert rest["next_cursor"] is None

    async def test_a_client_has_no_fleet(self, api: Api, auth: AuthServices, client: Tenant) -> None:
        _, key = await make_key(auth, client, "client_admin")
        assert (await api("GET", "/clients", key)).status_code == 404

    async def test_a_missing_or_invalid_key_discloses_nothing(
        self, api: Api, auth: AuthServices, client: Tenant
    ) -> None:
        assert (await api("GET", "/clients")).status_code == 401
        _, key = await make_key(auth, client)
        assert (await api("GET", "/clients", key[:-43] + "A" * 43)).status_code == 401

    @pytest.mark.parametrize("path", ["/clients/%00/api-keys", "/clients/ACME/api-keys", "/clients/a'b/api-keys"])
    async def test_malformed_names_of_clients_are_not_found(
        self, api: Api, auth: AuthServices, msp: Tenant, path: str
    ) -> None:
        _, key = await make_key(auth, msp, "msp_admin")
        assert (await api("GET", path, key)).status_code == 404
        assert (await api("GET", "/clients?cursor=%00", key)).status_code == 400

    @pytest.mark.parametrize("limit", [0, 501, -1])
    async def test_the_size_of_a_page_is_bounded(self, api: Api, auth: AuthServices, msp: Tenant, limit: int) -> None:
        _, key = await make_key(auth, msp, "msp_operator")
        assert (await api("GET", f"/clients?limit={limit}", key)).status_code == 422


class TestApiKeys:
    async def test_an_admin_creates_uses_lists_and_revokes_a_key(
        self, api: Api, auth: AuthServices, client: Tenant
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        made = await api("POST", "/clients/acme/api-keys", admin, json={"name": "Webshop", "role": "client_admin"})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        key, key_id = made.json()["key"], made.json()["api_key"]["id"]
        listed = await api("GET", "/clients/acme/api-keys", key)
        assert key_id in [k["id"] for k in listed.json()["items"]]
        assert "secret" not in listed.text
        assert (await api("DELETE", f"/clients/acme/api-keys/{key_id}", admin)).status_code == 204
        assert (await api("GET", "/clients/acme/api-keys", key)).status_code == 401

    async def test_a_key_of_another_tenant_is_not_found(
        self, api: Api, auth: AuthServices, client: Tenant, sibling: Tenant, foreigner: Tenant
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        for other in (sibling, foreigner):
            theirs, _ = await make_key(auth, other)
            assert (await api("DELETE", f"/clients/acme/api-keys/{theirs.id}", admin)).status_code == 404
        assert (await api("GET", "/clients/borealis/api-keys", admin)).status_code == 404
        assert (await api("GET", "/api-keys", admin)).status_code == 404
        listed = (await api("GET", "/clients/acme/api-keys", admin)).json()["items"]
        assert len(listed) == 1

    async def test_the_role_decides(self, api: Api, auth: AuthServices, client: Tenant) -> None:
        _, machine = await make_key(auth, client)
        answer = await api("POST", "/clients/acme/api-keys", machine, json={"name": "More"})
        assert answer.status_code == 403
        assert (await api("GET", "/clients/acme/api-keys", machine)).status_code == 403

    async def test_the_use_of_a_key_counts_when_it_is_refused(
        self, api: Api, auth: AuthServices, client: Tenant, clock: Ticking
    ) -> None:
        row, machine = await make_key(auth, client)
        wrong = machine[:-43] + "A" * 43
        for key, path, status, used in (
            (wrong, "/clients/acme/api-keys", 401, None),
            (machine, "/clients/acme/api-keys", 403, NOW),
        ):
            assert (await api("GET", path, key)).status_code == status
            async with auth.db.transaction(client.scope) as session:
                assert [each.last_used_at for each in (await list_api_keys(session)).items] == [used]
        async with auth.db.transaction(client.scope) as session:
            await revoke_api_key(session, key_id=row.id, now=NOW)
        clock.forward(hours=1)
        assert (await api("GET", "/clients/acme/api-keys", machine)).status_code == 401
        async with auth.db.transaction(client.scope) as session:
            assert [each.last_used_at for each in (await list_api_keys(session)).items] == [NOW + timedelta(hours=1)]

    async def test_a_key_gets_no_more_rights_than_its_creator(self, api: Api, auth: AuthServices, msp: Tenant) -> None:
        _, key = await make_key(auth, msp, "msp_admin")
        for role, status in (("msp_operator", 201), ("client_admin", 403), ("root", 403)):
            answer = await api("POST", "/api-keys", key, json={"name": "K", "role": role})
            assert answer.status_code == status

    async def test_staff_make_keys_for_their_clients_only(
        self, api: Api, auth: AuthServices, msp: Tenant, client: Tenant, foreigner: Tenant
    ) -> None:
        _, key = await make_key(auth, msp, "msp_admin")
        assert (await api("POST", "/clients/acme/api-keys", key, json={"name": "Shop"})).status_code == 201
        async with auth.db.transaction(client.scope) as session:
            assert len((await list_api_keys(session)).items) == 1
        async with auth.db.transaction(foreigner.scope) as session:
            assert list((await list_api_keys(session)).items) == []

    @pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "secret": "y"}, {"name": 5}])
    async def test_a_malformed_request_makes_nothing(
        self, api: Api, auth: AuthServices, client: Tenant, body: dict[str, object]
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        assert (await api("POST", "/clients/acme/api-keys", admin, json=body)).status_code in (400, 422)


class TestFromABrowser:
    async def test_a_signed_in_admin_needs_the_pages_token(self, api: Api, auth: AuthServices, client: Tenant) -> None:
        admin = await member_with(auth, client, "client_admin")
        assert (await api.browser.sign_in(admin.email)).status_code == 303
        assert (await api("GET", "/clients/acme/api-keys")).status_code == 200
        body = {"name": "Webshop"}
        assert (await api("POST", "/clients/acme/api-keys", json=body)).status_code == 403
        token = {"x-csrf-token": await page_token(auth, api.browser, admin)}
        answer = await api("POST", "/clients/acme/api-keys", json=body, headers=token)
        assert answer.status_code == 201
        evil = token | {"origin": "https://evil.example"}
        assert (await api("POST", "/clients/acme/api-keys", json=body, headers=evil)).status_code == 403

    async def test_a_bad_key_does_not_fall_back_to_the_cookie(
        self, api: Api, auth: AuthServices, client: Tenant
    ) -> None:
        admin = await member_with(auth, client, "client_admin")
        await api.browser.sign_in(admin.email)
        assert (await api("GET", "/clients/acme/api-keys", "key_bad")).status_code == 401


class TestMembers:
    async def test_an_administrator_invites_a_member_with_a_role(
        self, api: Api, auth: AuthServices, client: Tenant
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        body = {"email": "New@Example.com", "name": "New", "role": "client_approver"}
        answer = await api("POST", "/clients/acme/members", admin, json=body)
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        link = answer.json()["link"].removeprefix(api.browser.origin)
        form = {"password": PASSWORD, "again": PASSWORD, "_csrf_token": await api.browser.form_token(link)}
        assert (await api.browser.post(link, form)).status_code == 303
        principal = await authenticate(auth, credentials(client, "new@example.com"))
        assert principal.roles == ("client_approver", "client_viewer")
        listed = (await api("GET", "/clients/acme/members", admin)).json()["items"]
        assert [(p["email"], p["status"]) for p in listed] == [("new@example.com", "active")]
        assert "password" not in str(listed)

    @pytest.mark.parametrize("role", ["msp_admin", "client_admin", "machine", "root"])
    async def test_members_assign_only_roles_they_could_hold(
        self, auth: AuthServices, client: Tenant, role: str
    ) -> None:
        async with auth.db.transaction(client.scope) as session:
            home = client.scope
            by = Principal("member", new_id(), "Eve", home.msp_id, home.tenant_id, None, ("client_viewer",))
            wanted = NewMember(new_id(), "a@b.example", "A")
            with pytest.raises(RoleNotAssignable):
                await invite_member(session, auth, by, wanted, role=role, new_id=new_id, portal=PORTAL)

    async def test_staff_assign_client_roles_in_a_client_and_msp_roles_in_their_account(
        self, api: Api, auth: AuthServices, msp: Tenant, client: Tenant
    ) -> None:
        _, key = await make_key(auth, msp, "msp_admin")
        cases = [
            ("/clients/acme/members", "client_admin", 201), ("/clients/acme/members", "msp_admin", 403),
            ("/members", "msp_operator", 201), ("/members", "client_admin", 403),
        ]  # fmt: skip
        for path, role, status in cases:
            body = {"email": f"{role}{status}@example.com", "name": "N", "role": role}
            assert (await api("POST", path, key, json=body)).status_code == status

    async def test_a_partners_user_names_the_partner(
        self, api: Api, auth: AuthServices, client: Tenant, sibling: Tenant
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        own, theirs = new_id(), new_id()
        for tenant, partner_id in ((client, own), (sibling, theirs)):
            async with auth.db.transaction(tenant.scope) as session:
                await create_partner(session, partner_id=partner_id, name="P", kind=PartnerKind.OEM, now=NOW)
        cases = [("partner", own, 201), ("partner", None, 422), ("client_viewer", own, 422), ("partner", theirs, 404)]
        for number, (role, named, status) in enumerate(cases):
            body = {"email": f"p{number}@example.com", "name": "P", "role": role}
            body |= {"partner_id": str(named)} if named else {}
            answer = await api("POST", "/clients/acme/members", admin, json=body)
            assert answer.status_code == status

    async def test_a_member_is_suspended_and_reinstated(
        self, api: Api, auth: AuthServices, client: Tenant, ada: Somebody
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        path = f"/clients/acme/members/{ada.id}/suspension"
        assert (await api("POST", path, admin, json={"reason": "left"})).status_code == 204
        assert (await api.browser.sign_in(ada.email)).status_code == 403
        assert (await api("DELETE", path, admin)).status_code == 204
        assert (await api.browser.sign_in(ada.email)).status_code == 303

    async def test_members_cannot_suspend_themselves(self, api: Api, auth: AuthServices, client: Tenant) -> None:
        admin = await member_with(auth, client, "client_admin")
        await api.browser.sign_in(admin.email)
        token = {"x-csrf-token": await page_token(auth, api.browser, admin)}
        path = f"/clients/acme/members/{admin.id}/suspension"
        assert (await api("POST", path, json={"reason": "slip"}, headers=token)).status_code == 409

    async def test_members_of_others_are_not_found(
        self, api: Api, auth: AuthServices, msp: Tenant, sibling: Tenant, ada: Somebody
    ) -> None:
        _, admin = await make_key(auth, sibling, "client_admin")
        assert (await api("GET", "/clients/acme/members", admin)).status_code == 404
        assert (await api("GET", "/clients/borealis/members", admin)).json()["items"] == []
        for method, act, body in (
            ("POST", "invitation", None),
            ("DELETE", "invitation", None),
            ("POST", "suspension", {"reason": "x"}),
        ):
            answer = await api(method, f"/clients/borealis/members/{ada.id}/{act}", admin, json=body)
            assert answer.status_code == 404

    async def test_a_new_link_replaces_the_lost_one(self, api: Api, auth: AuthServices, client: Tenant) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        body = {"email": "new@example.com", "name": "New", "role": "client_viewer"}
        first = (await api("POST", "/clients/acme/members", admin, json=body)).json()
        second = await api("POST", f"/clients/acme/members/{first['member']['id']}/invitation", admin)
        assert second.status_code == 201
        for link, status in ((first["link"], 410), (second.json()["link"], 303)):
            path = link.removeprefix(api.browser.origin)
            form = {"password": PASSWORD, "again": PASSWORD, "_csrf_token": await api.browser.form_token()}
            assert (await api.browser.post(path, form)).status_code == status

    async def test_an_invitation_shows_its_state_and_is_withdrawn(
        self, api: Api, auth: AuthServices, client: Tenant, clock: Ticking
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        members = "/clients/acme/members"
        body = {"email": "new@example.com", "name": "New", "role": "client_viewer"}
        made = (await api("POST", members, admin, json=body)).json()
        one = f"{members}/{made['member']['id']}/invitation"

        async def stands() -> tuple[str, bool]:
            [member] = (await api("GET", members, admin)).json()["items"]
            return member["invitation"], member["invitation_until"] is not None

        assert (made["member"]["invitation"], await stands()) == ("waiting", ("waiting", True))
        clock.forward(days=7)
        assert await stands() == ("expired", True)
        assert (await api("DELETE", one, admin)).status_code == 204
        assert await stands() == ("withdrawn", False)
        assert (await api("DELETE", one, admin)).status_code == 409
        link = (await api("POST", one, admin)).json()["link"].removeprefix(api.browser.origin)
        assert await stands() == ("waiting", True)
        form = {"password": PASSWORD, "again": PASSWORD, "_csrf_token": await api.browser.form_token(link)}
        assert (await api.browser.post(link, form)).status_code == 303
        assert await stands() == ("accepted", False)
        for method in ("POST", "DELETE"):
            assert (await api(method, one, admin)).status_code == 409

    async def test_a_link_never_opens_an_account_with_a_password(
        self, api: Api, auth: AuthServices, client: Tenant, ada: Somebody
    ) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        answer = await api("POST", f"/clients/acme/members/{ada.id}/invitation", admin)
        assert answer.status_code == 409
        assert "link" not in answer.json()
        suspended = await api("POST", f"/clients/acme/members/{ada.id}/suspension", admin, json={"reason": "left"})
        assert suspended.status_code == 204
        assert (await api("POST", f"/clients/acme/members/{ada.id}/invitation", admin)).status_code == 409
        async with auth.db.transaction(client.scope) as session:
            assert (await get_member(session, ada.id)).invite_hash is None

    async def test_links_of_members_with_more_rights_are_not_issued(self, auth: AuthServices, client: Tenant) -> None:
        home, member_id = client.scope, new_id()
        async with auth.db.transaction(home) as session:
            await create_member(session, NewMember(member_id, "new@example.com", "New"), now=NOW)
            await assign_role(session, home, member_id=member_id, role="client_admin", clock=auth.clock, new_id=new_id)
        for roles, refused in ((("client_approver",), True), (("client_admin",), False)):
            async with auth.db.transaction(home) as session:
                index = await auth.policies.index_for(session, home)
                held = tuple(roles_of(index, roles[0])) + roles
                by = Principal("member", new_id(), "Eve", home.msp_id, home.tenant_id, None, held, index)
                with pytest.raises(RoleNotAssignable) if refused else nullcontext():
                    await reissue_invitation(session, auth, by, member_id, portal=PORTAL)
                member = await get_member(session, member_id)
            assert (member.invite_hash is None) is refused

    async def test_members_and_keys_are_listed_page_by_page(self, api: Api, auth: AuthServices, client: Tenant) -> None:
        _, admin = await make_key(auth, client, "client_admin")
        for name in ("c", "a", "b"):
            body = {"email": f"{name}@example.com", "name": name, "role": "client_viewer"}
            assert (await api("POST", "/clients/acme/members", admin, json=body)).status_code == 201
        await make_key(auth, client)
        for path, name, wanted in (
            ("members", "email", ["a@example.com", "b@example.com", "c@example.com"]),
            ("api-keys", "role", ["machine", "client_admin"]),
        ):
            seen, after = [], ""
            for _ in range(len(wanted) + 1):
                asked = f"/clients/acme/{path}?limit=1" + (f"&cursor={after}" if after else "")
                page = (await api("GET", asked, admin)).json()
                seen += [each[name] for each in page["items"]]
                after = page["next_cursor"]
                if not after:
                    break
            assert seen == wanted
        for refused in ("limit=0", "limit=501"):
            assert (await api("GET", f"/clients/acme/members?{refused}", admin)).status_code == 422
        for refused in ("cursor=%00", "cursor=x", "sort=x", "status=x"):
            assert (await api("GET", f"/clients/acme/members?{refused}", admin)).status_code == 400
            assert (await api("GET", f"/clients/acme/api-keys?{refused}", admin)).status_code == 400
