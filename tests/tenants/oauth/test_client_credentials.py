"""API keys with limits, and OAuth 2 client credentials, by Authlib's client against the whole application."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata  # type: ignore[import-untyped]

from foundation.clock import utc_now
from tests.controlplane.conftest import environment
from tests.support.client_env import ClientEnv
from tests.support.commands import run_command
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ("environment",)
READ = "connection:read"


@pytest_asyncio.fixture(loop_scope="module")
async def admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.admin)


@pytest.fixture(autouse=True)
def own_clock(web_app: WebApp) -> Iterator[None]:
    """Restore the clock after each test, because the application is shared by the file."""
    auth = web_app.services.auth
    clock = auth.clock
    yield
    object.__setattr__(auth, "clock", clock)


@pytest.fixture
def machine(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    """A program: no cookies."""
    return web_app.visit(msp_setup.host)


async def create(admin: Visit, root: str, **body: object) -> dict[str, Any]:
    made = await admin.api("POST", f"{root}/api-keys", {"name": "Tool", "role": "client_admin", **body})
    assert made.status_code == 201, made.text
    return dict(made.json())


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}", "Accept": "application/json"}


async def token_of(machine: Visit, made: dict[str, Any], **form: str) -> httpx.Response:
    auth = (made["client_id"], made["client_secret"])
    return await machine.http.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=auth)


class TestKeys:
    async def test_a_key_is_limited_to_its_permissions(self, admin: Visit, machine: Visit, msp_setup: MspSetup) -> None:
        root = f"/api/v1/clients/{msp_setup.slug}"
        made = await create(admin, root, permissions=[READ])
        key = bearer(made["key"])
        assert made["api_key"]["permissions"] == [READ]
        assert (await machine.http.get(f"{root}/connections", headers=key)).status_code == 200
        refused = await machine.http.get(f"{root}/changes", headers=key)
        assert (refused.status_code, "limited" in refused.json()["detail"]) == (403, True)
        for wrong in (["no:such"], []):
            answer = await admin.api("POST", f"{root}/api-keys", {"name": "x", "permissions": wrong})
            assert (answer.status_code, answer.json()["field"]) == (422, "permissions")

    async def test_a_key_expires(
        self, admin: Visit, machine: Visit, msp_setup: MspSetup, web_app: WebApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root, day = f"/api/v1/clients/{msp_setup.slug}", timedelta(days=1)
        past = await admin.api("POST", f"{root}/api-keys", {"name": "x", "expires_at": (utc_now() - day).isoformat()})
        assert past.status_code == 422
        made = await create(admin, root, expires_at=(utc_now() + timedelta(days=3)).isoformat())
        assert (await machine.http.get(f"{root}/connections", headers=bearer(made["key"]))).status_code == 200
        page = (await admin.get(f"/clients/{msp_setup.slug}/api-keys")).text
        assert "Expires soon" in page
        later = utc_now() + timedelta(days=4)
        object.__setattr__(web_app.services.auth, "clock", lambda: later)
        refused = await machine.http.get(f"{root}/connections", headers=bearer(made["key"]))
        assert (refused.status_code, refused.json()["type"]) == (401, "/problems/api-key-refused")

    async def test_both_secrets_are_accepted_after_a_rotation(
        self, admin: Visit, machine: Visit, msp_setup: MspSetup, web_app: WebApp
    ) -> None:
        root = f"/api/v1/clients/{msp_setup.slug}"
        made = await create(admin, root)
        rotated = await admin.api("POST", f"{root}/api-keys/{made['api_key']['id']}/rotation", {"overlap_hours": 2})
        assert rotated.status_code == 201, rotated.text
        old, new = bearer(made["key"]), bearer(rotated.json()["key"])
        for key in (old, new):
            assert (await machine.http.get(f"{root}/connections", headers=key)).status_code == 200
        later = utc_now() + timedelta(hours=3)
        object.__setattr__(web_app.services.auth, "clock", lambda: later)
        statuses = [(await machine.http.get(f"{root}/connections", headers=key)).status_code for key in (old, new)]
        assert statuses == [401, 200]

    async def test_another_account_cannot_rotate_it(
        self, admin: Visit, msp_setup: MspSetup, web_app: WebApp, other_env: ClientEnv
    ) -> None:
        other = await set_up_msp(other_env, name="Elsewhere")
        stranger = await web_app.signed_in(other.host, other.admin)
        made = await create(admin, f"/api/v1/clients/{msp_setup.slug}")
        for root in (f"/api/v1/clients/{other.slug}", "/api/v1"):
            answer = await stranger.api("POST", f"{root}/api-keys/{made['api_key']['id']}/rotation", {})
            assert answer.status_code == 404

    async def test_keys_are_rotated_on_the_page_and_by_command(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        page = f"/clients/{msp_setup.slug}/api-keys"
        await admin.get(page)
        form = {"name": "Exporter", "role": "machine", "use": "oauth_client", "permissions": READ}
        made = await admin.post(f"{page}/new", {**form, "expires_on": "2099-01-01"})
        assert made.status_code == 200, made.text
        assert re.search(r"client_[0-9a-f]{64}", made.text)
        wrong = await admin.post(f"{page}/new", {**form, "expires_on": "soon"})
        assert wrong.status_code == 422
        [rotate] = set(re.findall(rf'action="({page}/[0-9a-f-]+/rotate)"', made.text))
        again = await admin.post(rotate)
        assert "previous secret until" in again.text
        given = {name: value for name, value in environment.items() if value is not None}
        account = ["--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id)]
        status, output = run_command(["api-key", "create", *account, "--name", "Cron", "--permission", READ], given)
        assert status == 0, output
        [key_id] = re.findall(r"key ([0-9a-f-]{36})", output)
        for command in ("rotate", "revoke"):
            status, output = run_command(["api-key", command, *account, "--key", key_id], given)
            assert status == 0, output
        status, output = run_command(["api-key", "list", *account], given)
        assert (status, "revoked  Cron" in output, "oauth_client" in output) == (0, True, True)


class TestTokens:
    async def test_a_token_is_issued_used_and_revoked(self, admin: Visit, machine: Visit, msp_setup: MspSetup) -> None:
        root = f"/api/v1/clients/{msp_setup.slug}"
        made = await create(admin, root, use="oauth_client", permissions=[READ, "change:read"])
        assert made["key"] is None
        answer = await token_of(machine, made)
        token = answer.json()
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
        assert sorted(token["scope"].split()) == sorted([READ, "change:read"])
        assert answer.headers["cache-control"] == "no-store"
        headers = bearer(token["access_token"])
        assert (await machine.http.get(f"{root}/connections", headers=headers)).status_code == 200
        assert (await machine.http.get(f"{root}/exceptions", headers=headers)).status_code == 403
        narrow = (await token_of(machine, made, scope=READ)).json()
        assert narrow["scope"] == READ
        refused = await machine.http.get(f"{root}/changes", headers=bearer(narrow["access_token"]))
        assert refused.status_code == 403
        auth = (made["client_id"], made["client_secret"])
        form = {"token": token["access_token"]}
        shown = (await machine.http.post("/oauth/introspect", data=form, auth=auth)).json()
        assert (shown["active"], shown["client_id"]) == (True, made["client_id"])
        assert (await machine.http.post("/oauth/revoke", data=form, auth=auth)).status_code == 200
        assert (await machine.http.post("/oauth/revoke", data={"token": "x"}, auth=auth)).status_code == 200
        assert (await machine.http.post("/oauth/introspect", data=form, auth=auth)).json() == {"active": False}
        assert (await machine.http.get(f"{root}/connections", headers=headers)).status_code == 401

    async def test_a_token_expires_and_ends_with_its_client(
        self, admin: Visit, machine: Visit, msp_setup: MspSetup, web_app: WebApp
    ) -> None:
        root = f"/api/v1/clients/{msp_setup.slug}"
        made = await create(admin, root, use="oauth_client")
        headers = bearer((await token_of(machine, made)).json()["access_token"])
        assert (await machine.http.get(f"{root}/connections", headers=headers)).status_code == 200
        gone = await admin.api("DELETE", f"{root}/api-keys/{made['api_key']['id']}")
        assert gone.status_code == 204
        assert (await machine.http.get(f"{root}/connections", headers=headers)).status_code == 401
        made = await create(admin, root, use="oauth_client")
        headers = bearer((await token_of(machine, made)).json()["access_token"])
        later = utc_now() + timedelta(minutes=16)
        object.__setattr__(web_app.services.auth, "clock", lambda: later)
        assert (await machine.http.get(f"{root}/connections", headers=headers)).status_code == 401

    async def test_wrong_credentials_have_one_answer(self, admin: Visit, machine: Visit, msp_setup: MspSetup) -> None:
        root = f"/api/v1/clients/{msp_setup.slug}"
        client = await create(admin, root, use="oauth_client")
        key = await create(admin, root)
        secret, name = client["client_secret"], client["client_id"]
        of_a_key = name[:-32] + key["api_key"]["id"].replace("-", "")
        bodies = []
        for given in (
            (name, "A" * 43),
            ("client_" + "0" * 64, secret),
            ("x", "y"),
            (of_a_key, key["key"][-43:]),
            ("", ""),
        ):
            answer = await machine.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=given)
            assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic")
            bodies.append(answer.content)
        assert len(set(bodies)) == 1
        assert (
            await machine.http.get(f"{root}/connections", headers=bearer("key_" + name[7:] + "_" + secret))
        ).status_code == 401
        form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        assert (await machine.http.post("/oauth/token", data=form)).status_code == 200
        assert (await machine.http.post("/oauth/token", data={**form, "grant_type": "password"})).json()[
            "error"
        ] == "unsupported_grant_type"
        assert (await machine.http.post("/oauth/token", data={**form, "scope": "no:such"})).json()[
            "error"
        ] == "invalid_scope"

    async def test_failures_are_throttled_without_delaying_others(
        self, admin: Visit, machine: Visit, msp_setup: MspSetup
    ) -> None:
        made = await create(admin, f"/api/v1/clients/{msp_setup.slug}", use="oauth_client")
        wrong = {**made, "client_secret": "A" * 43}
        statuses = [(await token_of(machine, wrong)).status_code for _ in range(8)]
        assert 429 in statuses
        refused = await token_of(machine, wrong)
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
        other = await create(admin, f"/api/v1/clients/{msp_setup.slug}", use="oauth_client")
        assert (await token_of(machine, other)).status_code == 200

    async def test_a_client_sees_no_other_clients_tokens(
        self, admin: Visit, machine: Visit, msp_setup: MspSetup, web_app: WebApp, other_env: ClientEnv
    ) -> None:
        made = await create(admin, f"/api/v1/clients/{msp_setup.slug}", use="oauth_client")
        token = (await token_of(machine, made)).json()["access_token"]
        other = await set_up_msp(other_env, name="Elsewhere")
        stranger = await web_app.signed_in(other.host, other.admin)
        theirs = await create(stranger, f"/api/v1/clients/{other.slug}", use="oauth_client")
        auth = (theirs["client_id"], theirs["client_secret"])
        abroad = web_app.visit(other.host)
        assert (await abroad.http.post("/oauth/introspect", data={"token": token}, auth=auth)).json() == {
            "active": False
        }
        assert (await abroad.http.post("/oauth/revoke", data={"token": token}, auth=auth)).status_code == 200
        assert (
            await abroad.http.get(f"/api/v1/clients/{other.slug}/connections", headers=bearer(token))
        ).status_code == 401
        assert (
            await machine.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)
        ).status_code == 401
        root = f"/api/v1/clients/{msp_setup.slug}"
        assert (await machine.http.get(f"{root}/connections", headers=bearer(token))).status_code == 200

    async def test_metadata_is_that_of_the_host(self, machine: Visit, msp_setup: MspSetup) -> None:
        answer = await machine.http.get("/.well-known/oauth-authorization-server")
        metadata = AuthorizationServerMetadata(answer.json())
        metadata.validate_token_endpoint_auth_methods_supported()
        metadata.validate_grant_types_supported()
        assert msp_setup.host in metadata["issuer"]
        assert metadata["token_endpoint"] == metadata["issuer"] + "/oauth/token"
        assert READ in metadata["scopes_supported"]
        assert "fairlead" not in answer.text.lower()
