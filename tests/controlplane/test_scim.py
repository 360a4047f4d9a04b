"""SCIM 2.0: with the independent tester `scim2-tester`, and in the forms that identity providers send."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx
import httpx2
import pytest
import pytest_asyncio
from click.testing import CliRunner
from sqlalchemy import text

from controlplane.cli.main import main
from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.scope import Scope
from tenants.members.repository import mark_resumed, mark_suspended
from tests.controlplane.test_second_factor import forget_proof
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

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOMAIN = "scim.test"
MINE, THEIRS = "/api/v1/single-sign-on/scim-token", "/api/v1/clients/{}/single-sign-on/scim-token"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Provider:
    """An identity provider with a token, on a brand's host."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self.token = http, token

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        content = None if body is None else json.dumps(body)
        answer = await self.http.request(method, f"/scim/v2{path}", content=content, headers=headers)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:800])
        if status == 204:
            return None
        assert answer.headers["content-type"].startswith("application/scim+json")
        return answer.json()

    async def patch(self, path: str, *operations: Mapping[str, Any], status: int = 200) -> Any:
        return await self.call("PATCH", path, {"schemas": [PATCH], "Operations": operations}, status)

    async def create(self, email: str, **more: Any) -> Any:
        return await self.call("POST", "/Users", {"schemas": [USER], "userName": email} | more, 201)


async def verify(env: ClientEnv, scope: Scope, domain: str) -> None:
    statement = text(
        "INSERT INTO sign_in_domain (tenant_id, msp_id, domain, token, created_at, result, verified_at)"
        " VALUES (:tenant, :msp, :domain, 't', now(), '', now())"
    )
    values = {"tenant": scope.tenant_id, "msp": scope.msp_id, "domain": domain}
    async with env.services.db.transaction(scope) as session:
        await session.execute(statement, values)


async def provider_of(web_app: WebApp, setup: MspSetup, admin: Visit, path: str) -> Provider:
    made = await admin.api("POST", path)
    assert made.status_code == 201, made.text
    assert made.json()["base_url"].endswith("/scim/v2")
    return Provider(web_app.visit(setup.host).http, made.json()["token"])


@pytest_asyncio.fixture(loop_scope="module")
async def idp(web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv) -> Provider:
    """The client's identity provider, with a verified domain."""
    await verify(env, env.scope, DOMAIN)
    return await provider_of(web_app, msp_setup, admin, THEIRS.format(msp_setup.slug))


async def join(env: ClientEnv, scope: Scope, email: str, role: str) -> None:
    await add_member(env.services, scope, NewAccountMember(email, email, PASSWORD, role))


async def id_of(idp: Provider, email: str) -> str:
    found = await idp.call("GET", f'/Users?filter=userName eq "{email}"')
    return str(found["Resources"][0]["id"])


class Bridge(httpx2.BaseTransport):
    """Bridge from a thread's requests to the application in the test's loop."""

    def __init__(self, http: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self._http, self._loop = http, loop

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        calling = self._http.request(
            request.method, str(request.url), content=request.read(), headers=dict(request.headers)
        )
        answer = asyncio.run_coroutine_threadsafe(calling, self._loop).result()
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in {"content-encoding", "content-length"}  # decoded already
        }
        return httpx2.Response(answer.status_code, headers=kept, content=answer.content, request=request)


async def test_an_independent_tester_finds_no_error(
    idp: Provider, msp_setup: MspSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importing them takes seconds, because pydantic searches all imported modules for each model: at the top, every
    # process of `make test` would pay for it.
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server, filling

    usual = filling.get_random_example_value

    def example(path: Any) -> Any:
        return f"{uuid4()}@{DOMAIN}" if str(path).endswith("userName") else usual(path)

    monkeypatch.setattr(filling, "get_random_example_value", example)
    bridge = Bridge(idp.http, asyncio.get_running_loop())
    headers = {"Authorization": f"Bearer {idp.token}"}

    def check() -> list[Any]:
        base = f"http://{msp_setup.host}/scim/v2"
        with httpx2.Client(base_url=base, headers=headers, transport=bridge, timeout=None) as http:
            return check_server(SyncSCIMClient(http), resource_types=["User"])

    results = await asyncio.to_thread(check)
    faults = [(one.title, one.reason) for one in results if one.status not in {Status.SUCCESS, Status.SKIPPED}]
    assert faults == []
    assert sum(one.status is Status.SUCCESS for one in results) > 20
    assert {tag for one in results for tag in one.tags} >= {"discovery", "crud:create", "crud:delete", "patch:add"}


class TestUsers:
    async def test_life_of_a_user(self, idp: Provider, env: ClientEnv) -> None:
        made = await idp.create(
            f"Ada@{DOMAIN}", externalId="E-1", name={"givenName": "Ada", "familyName": "Byron"}, title="ignored"
        )
        assert (made["userName"], made["active"], made["externalId"]) == (f"ada@{DOMAIN}", True, "E-1")
        path = f"/Users/{made['id']}"
        assert made["meta"]["location"].endswith(path)
        taken = await idp.call("POST", "/Users", {"schemas": [USER], "userName": f"ADA@{DOMAIN}"}, 409)
        assert (taken["scimType"], taken["status"]) == ("uniqueness", "409")
        whole = {"schemas": [USER], "userName": f"ada@{DOMAIN}", "displayName": "Lady Ada", "active": "true"}
        replaced = await idp.call("PUT", path, whole)
        assert ("externalId" in replaced, replaced["displayName"]) == (False, "Lady Ada")
        moved = {"op": "replace", "path": "userName", "value": f"other@{DOMAIN}"}
        assert (await idp.patch(path, moved, status=400))["scimType"] == "mutability"
        for outside in ("ada@elsewhere.test", "not an address"):
            refused = await idp.call("POST", "/Users", {"schemas": [USER], "userName": outside}, 400)
            assert refused["scimType"] == "invalidValue"
        await idp.call("DELETE", path, status=204)
        await idp.call("GET", path, status=404)
        query = text("SELECT status, password_hash FROM member WHERE email = :email")
        async with env.services.db.transaction(env.scope) as session:
            ((status, password),) = await session.execute(query, {"email": f"ada@{DOMAIN}"})
        assert (status, password) == ("suspended", None)
        again = await idp.create(f"ada@{DOMAIN}")
        assert (again["id"], again["active"]) == (made["id"], True)

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "replace", "path": "active", "value": False},
            {"op": "Add", "path": f"{USER}:active", "value": "false"},
            {"op": "replace", "value": {"id": "x", "active": False}},
        ],
    )
    async def test_deactivation_in_the_forms_of_providers_ends_sessions_at_once(
        self, web_app: WebApp, msp_setup: MspSetup, idp: Provider, env: ClientEnv, operation: dict[str, Any]
    ) -> None:
        email = f"eve@{DOMAIN}"
        await join(env, env.scope, email, "client_viewer")
        eve = await web_app.signed_in(msp_setup.host, email)
        path = f"/Users/{await id_of(idp, email)}"
        assert (await idp.patch(path, operation))["active"] is False
        assert (await eve.api("GET", f"/api/v1/clients/{msp_setup.slug}")).status_code == 401
        assert (await web_app.visit(msp_setup.host).sign_in(email)).status_code == 403
        assert (await idp.patch(path, {"op": "replace", "path": "active", "value": "True"}))["active"] is True
        await web_app.signed_in(msp_setup.host, email)

    async def test_filters_pages_and_attributes(self, idp: Provider) -> None:
        names = [f"u{number}@{DOMAIN}" for number in range(3)]
        made = [await idp.create(name, externalId=f"Ext-{name}", name={"givenName": "U"}) for name in names]
        for query, found in (
            (f'userName eq "{names[1].upper()}"', 1),
            (f'USERNAME EQ "{names[1]}"', 1),
            (f'{USER}:userName eq "{names[1]}"', 1),
            (f'emails[type eq "work"].value eq "{names[1]}"', 1),
            (f'externalId eq "Ext-{names[1]}"', 1),
            (f'externalId eq "ext-{names[1]}"', 0),
            (f'id eq "{made[1]["id"]}"', 1),
            ('id eq "nobody"', 0),
            (f'id eq "{made[1]["id"]}" and userName eq "{names[0]}"', 0),
        ):
            assert (await idp.call("GET", f"/Users?filter={query}"))["totalResults"] == found, query
        for query in ('title eq "x"', "userName pr", 'userName co "x"', 'userName eq "x" or id eq "y"', 'id eq "\\x"'):
            refused = await idp.call("GET", f"/Users?filter={query}", status=400)
            assert refused["scimType"] == "invalidFilter", query
        page = await idp.call("GET", "/Users?startIndex=2&count=1")
        assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (3, 2, 1)
        assert page["Resources"][0]["userName"] == names[1]
        assert (await idp.call("GET", "/Users?count=0"))["Resources"] == []
        assert (await idp.call("GET", "/Users?startIndex=-4&count=-1"))["startIndex"] == 1
        await idp.call("GET", "/Users?count=many", status=400)
        only = await idp.call("GET", f"/Users/{made[0]['id']}?attributes=userName,name.givenName")
        assert set(only) == {"schemas", "id", "userName", "name"}
        assert "name" not in await idp.call("GET", f"/Users/{made[0]['id']}?excludedAttributes=name")

    async def test_errors_have_the_form_of_scim(self, idp: Provider) -> None:
        made = await idp.create(f"err@{DOMAIN}")
        path = f"/Users/{made['id']}"
        for operations, scim_type in (
            ([{"op": "move", "path": "active"}], "invalidSyntax"),
            ([{"op": "remove"}], "noTarget"),
            ([{"op": "replace", "path": "active", "value": "maybe"}], "invalidValue"),
            ([{"op": "replace", "path": "id", "value": "x"}], "mutability"),
            ([{"op": "remove", "path": "userName"}], "mutability"),
            ([{"op": "replace", "path": "a b", "value": "x"}], "invalidPath"),
            ([{"op": "replace", "path": "displayName", "value": "a\x00b"}], "invalidValue"),
            ([], "invalidSyntax"),
        ):
            refused = await idp.patch(path, *operations, status=400)
            assert refused["scimType"] == scim_type, operations
            assert refused["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        await idp.call("POST", "/Users", {"schemas": [USER]}, 400)
        await idp.call("POST", "/Users", ["not", "an object"], 400)
        await idp.call("PUT", "/Users", {}, 405)
        await idp.call("GET", "/Bulk", status=404)
        await idp.call("POST", "/Users/.search", {}, 501)
        headers = {"Authorization": f"Bearer {idp.token}", "Content-Type": "text/plain"}
        assert (await idp.http.post("/scim/v2/Users", content="x", headers=headers)).status_code == 415

    async def test_the_last_administrator_stays(self, idp: Provider, env: ClientEnv) -> None:
        await join(env, env.scope, f"boss@{DOMAIN}", "client_admin")
        path = f"/Users/{await id_of(idp, f'boss@{DOMAIN}')}"
        await idp.call("DELETE", path, status=409)
        await idp.patch(path, {"op": "replace", "path": "active", "value": "False"}, status=409)
        await idp.patch("/Groups/client_admin", {"op": "remove", "path": "members"}, status=409)
        assert (await idp.call("GET", path))["active"] is True
        await join(env, env.scope, f"second@{DOMAIN}", "client_admin")
        await idp.call("DELETE", path, status=204)


class TestGroups:
    async def test_membership_is_the_assignment_of_a_role(self, idp: Provider) -> None:
        ids = [(await idp.create(f"g{number}@{DOMAIN}"))["id"] for number in range(2)]
        listed = await idp.call("GET", "/Groups")
        codes = {one["id"] for one in listed["Resources"]}
        assert {"client_viewer", "client_admin"} <= codes
        assert not codes & {"partner", "machine", "msp_admin"}
        group = await idp.call("GET", "/Groups/client_viewer")
        named = await idp.call("GET", f'/Groups?filter=displayName eq "{group["displayName"].upper()}"')
        assert [one["id"] for one in named["Resources"]] == ["client_viewer"]
        path, member = "/Groups/client_viewer", [{"value": ids[0]}]
        added = await idp.patch(path, {"op": "Add", "path": "members", "value": member})
        assert [one["value"] for one in added["members"]] == [ids[0]]
        query = f'id eq "client_viewer" and members eq "{ids[0]}"'
        assert (await idp.call("GET", f"/Groups?filter={query}"))["totalResults"] == 1
        removed = await idp.patch(path, {"op": "remove", "path": f'members[value eq "{ids[0]}"]'})
        assert removed["members"] == []
        await idp.patch(path, {"op": "add", "value": {"members": [{"value": one} for one in ids]}})
        left = await idp.patch(path, {"op": "Remove", "path": "members", "value": member})
        assert [one["value"] for one in left["members"]] == [ids[1]]
        whole = {"displayName": group["displayName"], "members": member}
        assert [one["value"] for one in (await idp.call("PUT", path, whole))["members"]] == [ids[0]]
        assert "members" not in await idp.call("GET", f"{path}?excludedAttributes=members")
        await idp.patch(path, {"op": "add", "path": "members", "value": [{"value": str(uuid4())}]}, status=400)
        await idp.patch(path, {"op": "replace", "path": "displayName", "value": "Other"}, status=400)
        await idp.call("POST", "/Groups", {"displayName": "New"}, 501)
        await idp.call("DELETE", path, status=501)
        for code in ("partner", "machine", "msp_admin"):
            await idp.call("GET", f"/Groups/{code}", status=404)

    async def test_a_token_gives_no_role_that_its_owner_could_not(
        self, web_app: WebApp, msp_setup: MspSetup, idp: Provider, env: ClientEnv
    ) -> None:
        """The token's rights are the owner's current ones, and end with the owner's access."""
        await join(env, env.scope, f"chief@{DOMAIN}", "client_admin")
        await join(env, env.scope, f"keeper@{DOMAIN}", "client_admin")
        chief = await web_app.signed_in(msp_setup.host, f"chief@{DOMAIN}")
        rotated = await chief.api("POST", THEIRS.format(msp_setup.slug) + "/rotate")
        assert rotated.status_code == 200, rotated.text
        before = idp.token
        idp.token = rotated.json()["token"]
        assert "client_admin" in {one["id"] for one in (await idp.call("GET", "/Groups"))["Resources"]}
        chief_id = await id_of(idp, f"chief@{DOMAIN}")
        await idp.patch("/Groups/client_viewer", {"op": "add", "path": "members", "value": [{"value": chief_id}]})
        await idp.patch("/Groups/client_admin", {"op": "remove", "path": f'members[value eq "{chief_id}"]'})
        await idp.call("GET", "/Groups/client_admin", status=403)
        await idp.call("POST", "/Users", {"schemas": [USER], "userName": f"x@{DOMAIN}"}, 403)
        idp.token = before  # accepted for a day, with its own owner's rights
        assert "client_admin" in {one["id"] for one in (await idp.call("GET", "/Groups"))["Resources"]}
        update_as_owner(env, "scim_token", "previous_until = now()")
        await idp.call("GET", "/Users", status=401)

    async def test_a_member_suspended_by_an_administrator_stays_suspended(self, idp: Provider, env: ClientEnv) -> None:
        email = f"held@{DOMAIN}"
        await join(env, env.scope, email, "client_viewer")
        path, active = f"/Users/{await id_of(idp, email)}", {"op": "replace", "path": "active", "value": True}
        await idp.patch(path, active | {"value": False})
        async with env.services.db.transaction(env.scope) as session:
            member_id = UUID(path.rpartition("/")[2])
            await mark_resumed(session, member_id=member_id, reason="back", now=utc_now())
            await mark_suspended(session, member_id=member_id, reason="stolen", now=utc_now())
        assert (await idp.patch(path, active))["active"] is False
        await idp.call("DELETE", path, status=204)
        assert (await idp.create(email))["active"] is False


class TestTokens:
    async def test_accounts_see_nothing_of_each_other(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, idp: Provider, env: ClientEnv, other_env: ClientEnv
    ) -> None:
        await verify(env, env.msp_account, "msp.test")
        staff = await provider_of(web_app, msp_setup, admin, MINE)
        made = await idp.create(f"mine@{DOMAIN}")
        for method in ("GET", "PUT", "DELETE"):
            body = {"userName": "x@msp.test"} if method == "PUT" else None
            await staff.call(method, f"/Users/{made['id']}", body, 404)
        assert (await staff.call("GET", "/Users"))["totalResults"] == 0
        assert (await idp.call("GET", "/Users"))["totalResults"] == 1  # neither guests nor partners
        await staff.call("POST", "/Users", {"userName": f"x@{DOMAIN}"}, 400)
        member = {"op": "add", "path": "members", "value": [{"value": made["id"]}]}
        await staff.patch("/Groups/msp_support", member, status=400)
        theirs = await set_up_msp(other_env, name="Other Harbour")
        stranger = Provider(web_app.visit(theirs.host).http, idp.token)
        await stranger.call("GET", "/Users", status=401)
        for token in ("", "scim_x", idp.token[:-1] + ("A" if idp.token[-1] != "A" else "B")):
            await Provider(idp.http, token).call("GET", "/ServiceProviderConfig", status=401)

    async def test_page_api_and_command_manage_the_same_token(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, idp: Provider, env: ClientEnv,
        environment: dict[str, str | None],
    ) -> None:  # fmt: skip
        api, page = THEIRS.format(msp_setup.slug), f"/clients/{msp_setup.slug}/members/single-sign-on/scim"
        assert (await admin.api("POST", api)).status_code == 409
        assert idp.token not in (await admin.get(page)).text
        made = await admin.post(f"{page}/rotate")
        assert (made.status_code, "scim_" in made.text, "only once" in made.text) == (200, True, True)
        await idp.call("GET", "/Users")
        assert (await admin.post(f"{page}/revoke")).status_code == 303
        await idp.call("GET", "/Users", status=401)
        assert (await admin.api("GET", api)).status_code == 404
        assert (await admin.post(page)).status_code == 200
        assert "secret" not in (await admin.api("GET", api)).text
        tenancy = ["--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id)]
        arguments = ["scim-token", "rotate", *tenancy, "--json"]
        done = await asyncio.to_thread(CliRunner(env=environment).invoke, main, arguments)
        assert done.exit_code == 0, done.output
        idp.token = json.loads(done.stdout)["token"]
        await idp.call("GET", "/Users")
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        assert (await approver.api("POST", f"{api}/rotate")).status_code == 403
        await forget_proof(env.services, msp_setup, admin)
        assert (await admin.api("DELETE", api)).status_code == 403
        query = text("SELECT action FROM audit_entry WHERE action LIKE 'scim_token.%' ORDER BY seq")
        async with env.services.db.transaction(env.scope) as session:
            found = list(await session.scalars(query))
        assert found == [f"scim_token.{one}" for one in ("created", "rotated", "revoked", "created", "rotated")]
