"""Single sign-on: against the real npm package `oidc-provider`, and against a provider with invalid answers."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from click.testing import CliRunner
from sqlalchemy import text

from controlplane.cli.main import main
from controlplane.provisioning import NewAccountMember, add_member
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.entitlements.check import EntitlementValue, store_entitlements
from foundation.outbound.dns_txt import DnsLookup
from foundation.scope import Scope
from tenants.single_sign_on.service import SingleSignOn
from tests.controlplane.test_administration import member_of
from tests.controlplane.test_second_factor import forget_proof
from tests.support.client_env import ClientEnv
from tests.support.dns_server import DnsServer, running_dns_server
from tests.support.hostile_provider import Claims, HostileProvider, new_key, running_hostile_provider, signed
from tests.support.oidc_server import OidcServer, Person, running_oidc_server
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, running_web_app, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOMAIN = "example.test"
MINE, THEIRS = "/api/v1/single-sign-on", "/api/v1/clients/{}/single-sign-on"


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with running_dns_server() as server:
        yield server


@pytest.fixture(scope="module")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    with running_oidc_server(tmp_path_factory.mktemp("oidc") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def running_double() -> Iterator[HostileProvider]:
    with running_hostile_provider() as provider:
        yield provider


@pytest.fixture
def hostile(running_double: HostileProvider) -> HostileProvider:
    running_double.reset()
    return running_double


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web_app(
    services: Services, tmp_path_factory: pytest.TempPathFactory, dns: DnsServer
) -> AsyncIterator[WebApp]:
    static = tmp_path_factory.mktemp("site") / "static"
    sso = replace(services.get(SingleSignOn), lookup=DnsLookup(dns.address))
    async with running_web_app(services.using(sso), static) as running:
        yield running


def callback(setup: MspSetup, account: Scope) -> str:
    return f"http://{setup.host}/sign-in/sso/{account.tenant_id}/callback"


async def configure(admin: Visit, path: str, issuer: str, client: tuple[str, str] = ("app", ""), **more: Any) -> None:
    wanted = {"name": "Harbour ID", "issuer": issuer, "client_id": client[0], "mode": "optional"}
    wanted |= {"client_secret": client[1]} if client[1] else {}
    saved = await admin.api("PUT", path, wanted | more)
    assert saved.status_code == 200, saved.text


async def verify(admin: Visit, path: str, dns: DnsServer, domain: str = DOMAIN) -> httpx.Response:
    added = (await admin.api("PUT", f"{path}/domains/{domain}")).json()
    dns.records[added["record_name"]] = [added["record_value"]]
    return await admin.api("POST", f"{path}/domains/{domain}/verification")


async def begin(visit: Visit, account: Scope, target: str = "") -> str:
    """The provider's address to which the browser is sent."""
    query = f"?{urlencode({'next': target})}" if target else ""
    answer = await visit.get(f"/sign-in/sso/{account.tenant_id}/start{query}")
    assert answer.status_code == 303, answer.text[:800]
    return str(answer.headers["location"])


async def come_back(visit: Visit, address: str) -> httpx.Response:
    parts = urlsplit(address)
    return await visit.get(f"{parts.path}?{parts.query}")


async def sign_in(visit: Visit, account: Scope, login: str, target: str = "") -> httpx.Response:
    """By the real provider, in a browser of its own there."""
    address = await begin(visit, account, target)
    with httpx.Client(timeout=60) as http:
        back = await asyncio.to_thread(Person(login, http).answer, address)
    return await come_back(visit, back)


async def rows(env: ClientEnv, scope: Scope, query: str) -> list[Any]:
    async with env.services.db.transaction(scope) as session:
        return list(await session.execute(text(query)))


async def login_of(setup: MspSetup, who: str = "", groups: str = "") -> str:
    return f"s-{setup.slug}|{who or setup.approver}|yes|{groups}"


class TestRealProvider:
    @pytest_asyncio.fixture(loop_scope="module")
    async def provided(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv, oidc: OidcServer, dns: DnsServer
    ) -> str:
        """The client's provider, with a verified domain. Returns the API's address of it."""
        path = THEIRS.format(msp_setup.slug)
        client = oidc.register(callback(msp_setup, env.scope), f"http://{msp_setup.host}")
        await configure(admin, path, oidc.issuer, client)
        verified = await verify(admin, path, dns)
        assert verified.json()["verified_at"], verified.text
        return path

    async def test_a_member_signs_in_and_arrives_where_the_link_led(
        self, web_app: WebApp, provided: str, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        visit, target = web_app.visit(msp_setup.host), f"/clients/{msp_setup.slug}/overview"
        first = await visit.get(target)
        assert first.headers["location"].startswith("/sign-in?next=")
        page = await visit.get("/sign-in/sso?" + urlencode({"next": target}))
        assert page.status_code == 200
        sent = await visit.post("/sign-in/sso", {"email": msp_setup.approver.upper(), "next": target})
        going = await visit.get(sent.headers["location"])
        assert "Harbour ID" in going.text
        assert going.headers["refresh"].startswith("0;url=/sign-in/sso/")
        done = await sign_in(visit, env.scope, await login_of(msp_setup), target)
        assert (done.status_code, done.headers["location"]) == (303, target), done.text[:2000]
        assert (await visit.get(target)).status_code == 200
        again = await sign_in(web_app.visit(msp_setup.host), env.scope, await login_of(msp_setup))
        assert again.status_code == 303
        linked = await rows(env, env.scope, "SELECT subject FROM external_identity")
        assert [one.subject for one in linked] == [await login_of(msp_setup)]
        await visit.get(target)
        out = await visit.post("/sign-out")
        assert out.headers["location"] == f"/sign-in/sso/{env.scope.tenant_id}/signed-out"
        assert "Harbour ID" in (await visit.get(out.headers["location"])).text
        end = await visit.get(f"/sign-in/sso/{env.scope.tenant_id}/sign-out")
        assert "/session/end?" in end.headers["location"]
        assert (await asyncio.to_thread(httpx.get, end.headers["location"])).status_code == 200

    async def test_unknown_domains_and_other_msps_lead_nowhere(
        self, web_app: WebApp, provided: str, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
    ) -> None:
        stranger = await set_up_msp(other_env, name="Far Shore")
        visit = web_app.visit(msp_setup.host)
        await visit.get("/sign-in/sso")
        assert (await visit.post("/sign-in/sso", {"email": "x@elsewhere.test"})).status_code == 422
        elsewhere = web_app.visit(stranger.host)
        assert "single sign-on" not in (await elsewhere.get("/sign-in")).text
        await elsewhere.get("/sign-in/sso")
        assert (await elsewhere.post("/sign-in/sso", {"email": msp_setup.approver})).status_code == 422
        for end in ("start", "continue", "callback?state=x&code=y", "signed-out", "sign-out"):
            answer = await elsewhere.get(f"/sign-in/sso/{env.scope.tenant_id}/{end}")
            assert answer.status_code in {401, 404}, end
        other = await web_app.signed_in(stranger.host, stranger.admin)
        assert (await other.api("GET", provided)).status_code == 404

    async def test_new_members_get_the_roles_of_their_groups(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, admin: Visit, provided: str, msp_setup: MspSetup, env: ClientEnv, oidc: OidcServer
    ) -> None:
        login = f"new-{msp_setup.slug}|new-{msp_setup.slug}@{DOMAIN}|yes|"
        refused = await sign_in(web_app.visit(msp_setup.host), env.scope, f"{login}staff")
        assert (refused.status_code, "not a member of this account" in refused.text) == (401, True)
        known = (await admin.api("GET", provided)).json()
        mapping = [{"group": "staff", "role": "client_viewer"}, {"group": "finance", "role": "client_finance"}]
        client = (known["client_id"], "")
        await configure(admin, provided, oidc.issuer, client, creates_members=True, group_roles=mapping)
        none = await sign_in(web_app.visit(msp_setup.host), env.scope, f"{login}guests")
        assert (none.status_code, "None of your groups" in none.text) == (401, True)
        async with env.services.db.transaction(env.scope) as session:
            await store_entitlements(session, [EntitlementValue("members", hard_limit=1)], now=utc_now())
        full = await sign_in(web_app.visit(msp_setup.host), env.scope, f"{login}staff")
        assert (full.status_code, "allows no further member" in full.text) == (401, True)
        problems = await rows(env, env.scope, "SELECT body::json #>> '{data,problem}' FROM audit_entry ORDER BY seq")
        assert [row[0] for row in problems if row[0]] == ["no-member", "no-role", "no-seat"]
        async with env.services.db.transaction(env.scope) as session:
            await store_entitlements(session, [], now=utc_now())
        done = await sign_in(web_app.visit(msp_setup.host), env.scope, f"{login}staff,other")
        assert done.status_code == 303, done.text[:2000]
        email = f"new-{msp_setup.slug}@{DOMAIN}"
        member = await member_of(admin, email, f"/api/v1/clients/{msp_setup.slug}/members")
        held = await rows(env, env.scope, f"SELECT obj FROM policy_rule WHERE sub = '{member}'")
        assert [one.obj for one in held] == ["client_viewer"]
        actions = {row[0] for row in await rows(env, env.scope, "SELECT action FROM audit_entry")}
        assert {"member.created", "external_identity.linked", "sign_in.refused"} <= actions

    async def test_an_administrator_tries_it_and_requires_it(
        self, web_app: WebApp, admin: Visit, provided: str, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        page = f"/clients/{msp_setup.slug}/members/single-sign-on"
        known = (await admin.api("GET", provided)).json()
        wanted = {name: known[name] for name in ("name", "issuer", "client_id")}
        assert (await admin.api("PUT", provided, wanted | {"mode": "required"})).status_code == 409
        begun = await admin.get(f"{page}/try")
        start = await admin.get(begun.headers["location"])
        with httpx.Client(timeout=60) as http:
            back = await asyncio.to_thread(Person(await login_of(msp_setup), http).answer, start.headers["location"])
        result = await admin.get((await come_back(admin, back)).headers["location"])
        assert "The sign-in succeeded" in result.text
        assert msp_setup.approver in result.text
        assert await rows(env, env.scope, "SELECT 1 FROM external_identity") == []
        assert (await admin.api("PUT", provided, wanted | {"mode": "required"})).status_code == 200
        visit = web_app.visit(msp_setup.host)
        sent = await visit.sign_in(msp_setup.approver)
        assert "/continue?required=1" in sent.headers["location"]
        shown = await visit.get(sent.headers["location"])
        assert ("requires that you sign in with Harbour ID" in shown.text, "refresh" in shown.headers) == (True, False)
        assert (await visit.get(f"/clients/{msp_setup.slug}/overview")).status_code == 303
        guest = f"guest-{msp_setup.slug}@guests.test"
        await add_member(env.services, env.scope, NewAccountMember(guest, "Guest", PASSWORD, "client_viewer"))
        assert (await web_app.visit(msp_setup.host).sign_in(guest)).headers["location"] == "/"

    async def test_the_provider_proves_again_who_acts(
        self, web_app: WebApp, services: Services, provided: str, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        visit = web_app.visit(msp_setup.host)
        await sign_in(visit, env.scope, await login_of(msp_setup))
        await forget_proof(services, msp_setup, visit)
        assert "Confirm with Harbour ID" in (await visit.get("/confirm?next=/settings")).text
        with httpx.Client(timeout=60) as http:
            other = await visit.get("/confirm/sso?next=/settings")
            assert "prompt=login" in other.headers["location"]
            person = Person(f"other-{msp_setup.slug}|x@{DOMAIN}|yes|", http)
            refused = await come_back(visit, await asyncio.to_thread(person.answer, other.headers["location"]))
            assert (refused.status_code, "another person" in refused.text) == (401, True)
        with httpx.Client(timeout=60) as http:
            own = await visit.get("/confirm/sso?next=/settings")
            person = Person(await login_of(msp_setup), http)
            done = await come_back(visit, await asyncio.to_thread(person.answer, own.headers["location"]))
        assert (done.status_code, done.headers["location"]) == (303, "/settings")
        security = await visit.get("/settings/security")
        assert (await visit.post("/settings/security/app")).status_code in {200, 201}, security.text[:100]


def packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(_: HostileProvider, claims: Claims) -> str:
    return ".".join(packed(json.dumps(one).encode()) for one in ({"alg": "none"}, claims)) + "."


def signed_with_the_public_key(provider: HostileProvider, claims: Claims) -> str:
    """HS256, with the public key as the shared secret; by hand, as the library refuses to make it."""
    parts = [packed(json.dumps(one).encode()) for one in ({"alg": "HS256", "kid": provider.key.kid}, claims)]
    content = ".".join(parts)
    mac = hmac.digest(provider.key.as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{packed(mac)}"


def signed_by_a_stranger(provider: HostileProvider, claims: Claims) -> str:
    return signed(new_key(str(provider.key.kid)), claims)


class TestHostileProvider:
    """The provider belongs to the MSP's own account, or to one of its clients."""

    @pytest_asyncio.fixture(loop_scope="module")
    async def provided(self, admin: Visit, msp_setup: MspSetup, hostile: HostileProvider, dns: DnsServer) -> str:
        path = THEIRS.format(msp_setup.slug)
        hostile.person = {"sub": "u-1", "email": msp_setup.approver, "email_verified": True, "name": "Ada"}
        await configure(admin, path, hostile.issuer)
        await verify(admin, path, dns)
        return path

    async def attempt(
        self, web_app: WebApp, setup: MspSetup, scope: Scope, hostile: HostileProvider, **more: str
    ) -> httpx.Response:
        visit = web_app.visit(setup.host)
        query = hostile.authorize(await begin(visit, scope)) | more
        return await visit.get(f"/sign-in/sso/{scope.tenant_id}/callback?{urlencode(query)}")

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"nonce": "another"}, "belongs to another sign-in"),
            ({"nonce": None}, "is not valid"),
            ({"aud": "another"}, "for another application"),
            ({"aud": ["app", "another"]}, "for another application"),
            ({"aud": ["app", "another"], "azp": "another"}, "for another application"),
            ({"azp": "another"}, "for another application"),
            ({"iss": "https://another.test"}, "came from another identity provider"),
            ({"exp": 1_700_000_000}, "has expired"),
            ({"exp": None}, "is not valid"),
            ({"iat": 1_700_000_000}, "has expired"),
            ({"iat": 4_000_000_000}, "has expired"),
            ({"nbf": 4_000_000_000}, "has expired"),
            ({"sub": ""}, "is not valid"),
            ({"sub": "s" * 300}, "is not valid"),
            ({"email_verified": False}, "verified e-mail address"),
            ({"email_verified": "true"}, "verified e-mail address"),
            ({"email": "x@elsewhere.test"}, "verified domain"),
            ({"email": "nobody@example.test"}, "not a member of this account"),
        ],
    )
    async def test_wrong_claims_sign_nobody_in(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, provided: str, msp_setup: MspSetup, env: ClientEnv, hostile: HostileProvider,
        change: Claims, sentence: str,
    ) -> None:  # fmt: skip
        hostile.change = lambda claims: {name: one for name, one in (claims | change).items() if one is not None}
        answer = await self.attempt(web_app, msp_setup, env.scope, hostile)
        assert (answer.status_code, sentence in answer.text) == (401, True), answer.text[:3000]
        assert "session" not in answer.cookies
        assert await rows(env, env.scope, "SELECT 1 FROM external_identity") == []

    @pytest.mark.parametrize("sign", [unsigned, signed_with_the_public_key, signed_by_a_stranger])
    async def test_wrong_signatures_sign_nobody_in(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, provided: str, msp_setup: MspSetup, env: ClientEnv, hostile: HostileProvider, sign: Any
    ) -> None:
        hostile.sign = sign
        answer = await self.attempt(web_app, msp_setup, env.scope, hostile)
        assert (answer.status_code, "is not valid" in answer.text) == (401, True)

    async def test_rotated_keys_are_read_again_at_most_six_times(
        self, web_app: WebApp, provided: str, msp_setup: MspSetup, env: ClientEnv, hostile: HostileProvider
    ) -> None:
        assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 303
        hostile.rotate()
        assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 303
        assert hostile.asked.count("/jwks") == 2
        unknown = new_key("never published")
        hostile.sign = lambda _, claims: signed(unknown, claims)
        for _ in range(8):
            assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 401
        assert hostile.asked.count("/jwks") == 1 + 6

    async def test_an_answer_counts_once_and_in_its_browser_only(
        self, web_app: WebApp, provided: str, msp_setup: MspSetup, env: ClientEnv, hostile: HostileProvider
    ) -> None:
        visit, attacker = web_app.visit(msp_setup.host), web_app.visit(msp_setup.host)
        path = f"/sign-in/sso/{env.scope.tenant_id}/callback"
        stolen = hostile.authorize(await begin(attacker, env.scope))
        await begin(visit, env.scope)
        mixed = await visit.get(f"{path}?{urlencode(stolen)}")
        assert (mixed.status_code, "another browser" in mixed.text) == (401, True)
        good = hostile.authorize(await begin(visit, env.scope))
        assert (await visit.get(f"{path}?{urlencode(good)}")).status_code == 303
        again = web_app.visit(msp_setup.host)
        fresh = hostile.authorize(await begin(again, env.scope))
        assert (await again.get(f"{path}?{urlencode(good)}")).status_code == 401
        replayed = await again.get(f"{path}?{urlencode(fresh | {'code': good['code']})}")
        assert (replayed.status_code, "refused the code" in replayed.text) == (401, True)
        declined = hostile.authorize(await begin(again, env.scope))
        query = urlencode({"error": "access_denied", "state": declined["state"]})
        assert "did not sign you in" in (await again.get(f"{path}?{query}")).text

    async def test_an_answer_of_another_issuer_or_for_another_account_is_refused(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, admin: Visit, provided: str, msp_setup: MspSetup, env: ClientEnv,
        hostile: HostileProvider,
    ) -> None:  # fmt: skip
        answer = await self.attempt(web_app, msp_setup, env.scope, hostile, iss="https://another.test")
        assert "came from another identity provider" in answer.text
        await configure(admin, MINE, hostile.issuer, ("other app", ""))
        visit = web_app.visit(msp_setup.host)
        query = hostile.authorize(await begin(visit, env.msp_account))
        elsewhere = await visit.get(f"/sign-in/sso/{env.scope.tenant_id}/callback?{urlencode(query)}")
        assert elsewhere.status_code == 401
        assert "Sign in with Harbour ID" in (await visit.get("/sign-in")).text

    async def test_metadata_of_another_issuer_or_without_pkce_are_refused(
        self, admin: Visit, provided: str, hostile: HostileProvider
    ) -> None:
        assert (await admin.api("POST", f"{provided}/check")).json()["keys"] == 1
        for metadata, problem in (
            ({"issuer": "https://another.test"}, "other-issuer"),
            ({"token_endpoint": "file:///etc/passwd"}, "incomplete"),
            ({"code_challenge_methods_supported": ["plain"]}, "no-pkce"),
        ):
            hostile.metadata = metadata
            refused = await admin.api("POST", f"{provided}/check")
            assert (refused.status_code, refused.json()["problem"]) == (422, problem)
        hostile.metadata = {"jwks_uri": "http://10.0.0.1/jwks"}
        assert (await admin.api("POST", f"{provided}/check")).json()["type"].endswith("/outbound-refused")

    async def test_an_address_given_to_another_person_takes_no_account_over(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, admin: Visit, provided: str, msp_setup: MspSetup, env: ClientEnv,
        hostile: HostileProvider,
    ) -> None:  # fmt: skip
        assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 303
        hostile.person |= {"email": "renamed@elsewhere.test", "email_verified": False}
        assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 303, "the subject identifies"
        hostile.person |= {"sub": "u-2", "email": msp_setup.approver, "email_verified": True}
        refused = await self.attempt(web_app, msp_setup, env.scope, hostile)
        assert (refused.status_code, "another identity" in refused.text) == (401, True)
        members = f"/api/v1/clients/{msp_setup.slug}/members"
        member = await member_of(admin, msp_setup.approver, members)
        assert (await admin.api("DELETE", f"{members}/{member}/external-identity")).status_code == 204
        assert (await admin.api("DELETE", f"{members}/{member}/external-identity")).status_code == 404
        assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 303

    async def test_a_provider_reaches_members_of_its_own_account_only(
        self, web_app: WebApp, provided: str, msp_setup: MspSetup, env: ClientEnv, hostile: HostileProvider
    ) -> None:
        hostile.person |= {"sub": "u-9", "email": msp_setup.admin}
        refused = await self.attempt(web_app, msp_setup, env.scope, hostile)
        assert (refused.status_code, "not a member of this account" in refused.text) == (401, True)

    async def test_another_issuer_has_to_be_trusted_again(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, admin: Visit, provided: str, msp_setup: MspSetup, env: ClientEnv,
        hostile: HostileProvider,
    ) -> None:  # fmt: skip
        assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 303
        await configure(admin, provided, "https://id.example.test")
        await configure(admin, provided, hostile.issuer)
        assert await rows(env, env.scope, "SELECT 1 FROM external_identity") == []
        refused = await self.attempt(web_app, msp_setup, env.scope, hostile)
        assert (refused.status_code, "verified domain" in refused.text) == (401, True)

    async def test_a_suspended_member_cannot_sign_in(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, admin: Visit, provided: str, msp_setup: MspSetup, env: ClientEnv,
        hostile: HostileProvider,
    ) -> None:  # fmt: skip
        members = f"/api/v1/clients/{msp_setup.slug}/members"
        member = await member_of(admin, msp_setup.approver, members)
        await admin.api("POST", f"{members}/{member}/suspension", {"reason": "left"})
        assert (await self.attempt(web_app, msp_setup, env.scope, hostile)).status_code == 403


class TestSettings:
    async def test_page_and_command_set_what_the_api_shows(  # noqa: PLR0917 - fixtures
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, dns: DnsServer,
        environment: dict[str, str | None], tmp_path: Path,
    ) -> None:  # fmt: skip
        page = f"/clients/{msp_setup.slug}/members/single-sign-on"
        form = {"name": "Shore ID", "issuer": "https://id.shore.test", "client_id": "c", "client_secret": "s3cret"}
        form |= {"mode": "optional", "creates_members": "on", "default_role": "client_viewer", "groups_claim": "groups"}
        await admin.get(page)
        wrong = await admin.post(page, form | {"group_roles": "finance client_finance"})
        assert (wrong.status_code, "Write one group per line" in wrong.text) == (422, True)
        assert (await admin.post(page, form | {"group_roles": "x = partner"})).status_code == 403
        assert (await admin.post(page, form | {"group_roles": "x = msp_admin"})).status_code == 403
        saved = await admin.post(page, form | {"group_roles": "finance = client_finance"})
        assert saved.status_code == 303, saved.text[:2000]
        path = THEIRS.format(msp_setup.slug)
        shown = (await admin.api("GET", path)).json()
        assert (shown["has_secret"], shown["creates_members"], shown["checks_factors"]) == (True, True, False)
        assert shown["redirect_uri"].endswith(f"/sign-in/sso/{env.scope.tenant_id}/callback")
        ((sealed,),) = await rows(env, env.scope, "SELECT client_secret FROM identity_provider")
        assert b"s3cret" not in bytes(sealed)
        await admin.get(page)
        await admin.post(f"{page}/domains", {"domain": "Shore.Test"})
        assert "Not checked yet" in (await admin.get(page)).text
        assert (await admin.post(f"{page}/domains/shore.test/verify")).status_code == 303
        assert "Record not found" in (await admin.get(page)).text
        tenancy = ["--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id)]
        (tmp_path / "secret").write_text("another\n")
        shown = await run(environment, "set", *tenancy, "--name", "Bay ID", "--issuer", "https://id.bay.test",
                         "--client-id", "d", "--secret-file", str(tmp_path / "secret"), "--mode", "optional",
                         "--group", "staff=client_viewer")  # fmt: skip
        assert (shown["name"], shown["group_roles"]) == ("Bay ID", [{"group": "staff", "role": "client_viewer"}])
        assert (await run(environment, "remove-domain", *tenancy, "--domain", "shore.test"))["removed"]
        assert (await run(environment, "remove", *tenancy))["removed"]
        assert (await admin.api("GET", path)).status_code == 404

    async def test_only_administrators_set_it_and_a_domain_has_one_account(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, hostile: HostileProvider, dns: DnsServer
    ) -> None:
        path = THEIRS.format(msp_setup.slug)
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        wanted = {"name": "x", "issuer": hostile.issuer, "client_id": "c"}
        for call in (("PUT", path, wanted), ("DELETE", path, None), ("PUT", f"{path}/domains/a.test", None)):
            assert (await approver.api(*call)).status_code == 403
        await configure(admin, path, hostile.issuer)
        await configure(admin, MINE, hostile.issuer)
        assert (await verify(admin, path, dns, "one.test")).json()["verified_at"]
        taken = await verify(admin, MINE, dns, "one.test")
        assert (taken.status_code, "Another account has verified" in taken.text) == (409, True)
        for issuer in ("ftp://x", "https://u@x.test", "not an address"):
            assert (await admin.api("PUT", MINE, wanted | {"issuer": issuer})).status_code == 422


async def run(environment: dict[str, str | None], command: str, *options: str) -> Any:
    done = await asyncio.to_thread(
        CliRunner(env=environment).invoke, main, ["identity-provider", command, *options, "--json"]
    )
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
