from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from foundation.ids import new_id
from policy.publishing import assign_role
from tenants.api_keys import list_api_keys
from tenants.door import Door
from tests.tenants.conftest import Somebody, Tenant, make_client, make_person
from tests.tenants.site import Browser, build_site, give_host, visiting
from tests.tenants.test_api_keys import make_key
from tests.tenants.test_pages import page_token


@pytest.fixture
async def api(door: Door, msp: Tenant) -> AsyncIterator["Api"]:
    host = f"api-{new_id().hex}.example"
    await give_host(door.db, msp, host)
    async with visiting(build_site(door)) as client:
        yield Api(Browser(client, f"https://{host}"))


class Api:
    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    async def __call__(self, method: str, path: str, key: str = "", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return await self.browser.send(method, f"/api/v1{path}", headers=headers | more.pop("headers", {}), **more)


async def person_with(door: Door, tenant: Tenant, role: str) -> Somebody:
    somebody = await make_person(door.db, door.passwords, tenant, f"{role.replace('_', '.')}@example.com")
    async with door.db.transaction(tenant.scope) as session:
        await assign_role(session, tenant.scope, user_id=somebody.id, role=role, clock=door.clock, new_id=new_id)
    return somebody


class TestClients:
    async def test_staff_list_their_own_clients_page_by_page(
        self, api: Api, door: Door, msp: Tenant, client: Tenant, other_msp: Tenant
    ) -> None:
        await make_client(door.db, msp, "borealis")
        await make_client(door.db, other_msp, "camellia")
        _, key = await make_key(door, msp, "msp_operator")
        first = (await api("GET", "/clients?limit=1", key)).json()
        assert [c["id"] for c in first["clients"]] == [str(client.scope.tenant_id)]
        rest = (await api("GET", f"/clients?after={first['next']}", key)).json()
        assert [c["slug"] for c in rest["clients"]] == ["borealis"]
        assert rest["next"] == ""

    async def test_a_client_has_no_fleet(self, api: Api, door: Door, client: Tenant) -> None:
        _, key = await make_key(door, client, "client_admin")
        assert (await api("GET", "/clients", key)).status_code == 404

    async def test_without_a_key_or_with_a_bad_one_nothing_is_told(self, api: Api, door: Door, client: Tenant) -> None:
        assert (await api("GET", "/clients")).status_code == 401
        _, key = await make_key(door, client)
        assert (await api("GET", "/clients", key[:-43] + "A" * 43)).status_code == 401

    @pytest.mark.parametrize("limit", [0, 501, -1])
    async def test_a_page_has_a_size(self, api: Api, door: Door, msp: Tenant, limit: int) -> None:
        _, key = await make_key(door, msp, "msp_operator")
        assert (await api("GET", f"/clients?limit={limit}", key)).status_code == 422


class TestApiKeys:
    async def test_an_admin_makes_uses_lists_and_revokes_a_key(self, api: Api, door: Door, client: Tenant) -> None:
        _, admin = await make_key(door, client, "client_admin")
        made = await api("POST", "/clients/acme/api-keys", admin, json={"name": "Webshop", "role": "client_admin"})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        key, key_id = made.json()["key"], made.json()["api_key"]["id"]
        listed = await api("GET", "/clients/acme/api-keys", key)
        assert key_id in [k["id"] for k in listed.json()["api_keys"]]
        assert "secret" not in listed.text
        assert (await api("DELETE", f"/clients/acme/api-keys/{key_id}", admin)).status_code == 204
        assert (await api("GET", "/clients/acme/api-keys", key)).status_code == 401

    async def test_a_key_of_a_neighbour_is_not_found(
        self, api: Api, door: Door, client: Tenant, sibling: Tenant, foreigner: Tenant
    ) -> None:
        _, admin = await make_key(door, client, "client_admin")
        for other in (sibling, foreigner):
            theirs, _ = await make_key(door, other)
            assert (await api("DELETE", f"/clients/acme/api-keys/{theirs.id}", admin)).status_code == 404
        assert (await api("GET", "/clients/borealis/api-keys", admin)).status_code == 404
        assert (await api("GET", "/api-keys", admin)).status_code == 404
        listed = (await api("GET", "/clients/acme/api-keys", admin)).json()["api_keys"]
        assert len(listed) == 1

    async def test_the_role_decides(self, api: Api, door: Door, client: Tenant) -> None:
        _, machine = await make_key(door, client)
        answer = await api("POST", "/clients/acme/api-keys", machine, json={"name": "More"})
        assert answer.status_code == 403
        assert (await api("GET", "/clients/acme/api-keys", machine)).status_code == 403

    async def test_nobody_gives_a_key_more_than_they_have(self, api: Api, door: Door, msp: Tenant) -> None:
        _, key = await make_key(door, msp, "msp_admin")
        for role, status in (("msp_operator", 201), ("client_admin", 403), ("root", 403)):
            answer = await api("POST", "/api-keys", key, json={"name": "K", "role": role})
            assert answer.status_code == status

    async def test_staff_make_keys_for_their_clients_only(
        self, api: Api, door: Door, msp: Tenant, client: Tenant, foreigner: Tenant
    ) -> None:
        _, key = await make_key(door, msp, "msp_admin")
        assert (await api("POST", "/clients/acme/api-keys", key, json={"name": "Shop"})).status_code == 201
        async with door.db.transaction(client.scope) as session:
            assert len(await list_api_keys(session)) == 1
        async with door.db.transaction(foreigner.scope) as session:
            assert list(await list_api_keys(session)) == []

    @pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "secret": "y"}, {"name": 5}])
    async def test_a_malformed_request_makes_nothing(
        self, api: Api, door: Door, client: Tenant, body: dict[str, object]
    ) -> None:
        _, admin = await make_key(door, client, "client_admin")
        assert (await api("POST", "/clients/acme/api-keys", admin, json=body)).status_code in (400, 422)


class TestFromABrowser:
    async def test_a_signed_in_admin_needs_the_pages_token(self, api: Api, door: Door, client: Tenant) -> None:
        admin = await person_with(door, client, "client_admin")
        assert (await api.browser.sign_in(admin.email)).status_code == 303
        assert (await api("GET", "/clients/acme/api-keys")).status_code == 200
        body = {"name": "Webshop"}
        assert (await api("POST", "/clients/acme/api-keys", json=body)).status_code == 403
        token = {"x-csrf-token": await page_token(door, api.browser, admin)}
        answer = await api("POST", "/clients/acme/api-keys", json=body, headers=token)
        assert answer.status_code == 201
        evil = token | {"origin": "https://evil.example"}
        assert (await api("POST", "/clients/acme/api-keys", json=body, headers=evil)).status_code == 403

    async def test_a_bad_key_does_not_fall_back_to_the_cookie(self, api: Api, door: Door, client: Tenant) -> None:
        admin = await person_with(door, client, "client_admin")
        await api.browser.sign_in(admin.email)
        assert (await api("GET", "/clients/acme/api-keys", "key_bad")).status_code == 401
