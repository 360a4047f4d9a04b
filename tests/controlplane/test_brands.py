"""Brands and their domains: changes by an MSP's administrators on pages, over the API and by command."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner
from sqlalchemy import text

from branding.theme import Theme
from controlplane.cli.main import main
from controlplane.provisioning import NewAccountMember, add_member
from controlplane.services import Services
from foundation.outbound.dns_txt import DnsLookup
from tests.support.client_env import ClientEnv
from tests.support.dns_server import DnsServer, running_dns_server
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

API = "/api/v1/brands"
TOKENS = {"name": "Blue Harbour", "monogram": "BH", "accent": "#0f766e", "support_email": "help@blue.example"}


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with running_dns_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web_app(
    services: Services, tmp_path_factory: pytest.TempPathFactory, dns: DnsServer
) -> AsyncIterator[WebApp]:
    static = tmp_path_factory.mktemp("site") / "static"
    async with running_web_app(services.using(DnsLookup(dns.address)), static) as running:
        yield running


@pytest.fixture
def slug(env: ClientEnv) -> str:
    """Slug of the brand that `msp_setup` creates."""
    return f"b-{env.scope.tenant_id.hex[-8:]}"


def form_of(**changed: str) -> dict[str, str]:
    return {
        **TOKENS,
        "on_accent": "",
        "neutral": "warm",
        "radius": "large",
        "font": "serif",
        "mark": "circle",
    } | changed


async def actions(env: ClientEnv) -> set[str]:
    """Audited actions of the MSP's account."""
    async with env.services.db.transaction(env.msp_account) as session:
        return set(await session.scalars(text("SELECT action FROM audit_entry")))


class TestEditor:
    async def test_a_saved_brand_shows_on_the_next_page(self, admin: Visit, slug: str, env: ClientEnv) -> None:
        assert f'href="/brands/{slug}"' in (await admin.get("/brands")).text
        editor = (await admin.get(f"/brands/{slug}")).text
        assert 'value="#1f5fbf"' in editor
        saved = await admin.post(f"/brands/{slug}", form_of())
        assert (saved.status_code, saved.headers["location"]) == (303, f"/brands/{slug}")
        view = (await admin.api("GET", f"{API}/{slug}")).json()
        assert view["tokens"] == form_of()
        page = (await admin.get("/members")).text  # at once, although brands are cached
        shown = re.findall(rf'href="(/brand/{slug}-[^"]+\.css)"', page)
        assert "#0f766e" in (await admin.get(shown[0])).text
        assert (await admin.api("PUT", f"{API}/{slug}", TOKENS | {"accent": "#7c2d92"})).status_code == 200
        assert shown[0] not in (await admin.get("/members")).text
        assert await actions(env) >= {"brand.set"}

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", ""), ("monogram", "ABCD"), ("accent", "red"), ("support_email", "nobody"), ("mark", "star")],
    )
    async def test_invalid_input_is_named_and_redisplayed(
        self, admin: Visit, slug: str, field: str, value: str
    ) -> None:
        await admin.get(f"/brands/{slug}")
        before = (await admin.api("GET", f"{API}/{slug}")).json()
        answer = await admin.post(f"/brands/{slug}", form_of(**{field: value}))
        assert answer.status_code == 422
        assert 'value="Blue Harbour"' in answer.text or field == "name"
        assert (await admin.api("GET", f"{API}/{slug}")).json() == before
        assert (await admin.api("PUT", f"{API}/{slug}", TOKENS | {field: value})).status_code == 422

    async def test_text_that_cannot_be_read_on_the_colour_is_refused(self, admin: Visit, slug: str) -> None:
        await admin.get(f"/brands/{slug}")
        answer = await admin.post(f"/brands/{slug}", form_of(on_accent="#0f766f"))
        assert answer.status_code == 422
        assert "contrast of 1.00:1" in answer.text

    async def test_the_preview_shows_the_typed_tokens_and_saves_nothing(self, admin: Visit, slug: str) -> None:
        page = await admin.get("/brand-preview", params=form_of(accent="#B91C1C", name="Red & Co"))
        assert "Red &amp; Co" in page.text
        assert "contrast of" in page.text
        css = await admin.get("/brand-preview.css", params=form_of(accent="#b91c1c"))
        assert css.headers["content-type"].startswith("text/css")
        assert css.text.startswith(".brand-preview{")
        assert "#b91c1c" in css.text
        assert ":root" not in css.text
        assert (await admin.api("GET", f"{API}/{slug}")).json()["tokens"]["accent"] == "#1f5fbf"

    @pytest.mark.parametrize("value", ["x}body{display:none", "</style>", "#fff;", "url(//x.example)"])
    async def test_a_preview_of_foreign_css_is_refused(self, admin: Visit, value: str) -> None:
        assert (await admin.get("/brand-preview.css", params=form_of(accent=value))).status_code == 422
        page = await admin.get("/brand-preview", params=form_of(accent=value))
        assert page.status_code == 200
        assert "brand-preview.css" not in page.text

    async def test_a_second_brand_is_added_once(self, admin: Visit) -> None:
        await admin.get("/brands/new")
        made = await admin.post("/brands/new", form_of(slug="second"))
        assert (made.status_code, made.headers["location"]) == (303, "/brands/second")
        again = await admin.post("/brands/new", form_of(slug="second"))
        assert again.status_code == 422
        assert "this short name already" in again.text
        assert [one["slug"] for one in (await admin.api("GET", API)).json()][-1] == "second"


class TestRights:
    async def test_brands_are_the_msp_staffs_and_operators_only_read(
        self, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, slug: str
    ) -> None:
        email = f"op-{env.scope.tenant_id.hex[-6:]}@example.test"
        await add_member(env.services, env.msp_account, NewAccountMember(email, "Oda", PASSWORD, "msp_operator"))
        operator = await web_app.signed_in(msp_setup.host, email)
        page = (await operator.get(f"/brands/{slug}")).text
        assert "disabled" in page
        assert "Add domain" not in page
        assert (await operator.post(f"/brands/{slug}", form_of())).status_code == 403
        assert (await operator.api("PUT", f"{API}/{slug}", TOKENS)).status_code == 403
        for who in (msp_setup.approver, msp_setup.partner):
            visit = await web_app.signed_in(msp_setup.host, who)
            assert (await visit.get("/brands")).status_code == 404
            assert (await visit.api("GET", API)).status_code == 404

    async def test_a_brand_of_another_msp_is_not_found(
        self, web_app: WebApp, admin: Visit, other_env: ClientEnv, slug: str
    ) -> None:
        theirs = await set_up_msp(other_env, name="Grey Quay")
        stranger = await web_app.signed_in(theirs.host, theirs.admin)
        await admin.get("/brands")
        await admin.api("PUT", f"{API}/{slug}/hosts/mine.example")
        assert (await stranger.get(f"/brands/{slug}")).status_code == 404
        assert (await stranger.api("GET", f"{API}/{slug}")).status_code == 404
        assert slug not in (await stranger.api("GET", API)).text
        for method, path in (("PUT", ""), ("POST", "/verification"), ("DELETE", "/verification"), ("DELETE", "")):
            assert (await stranger.api(method, f"{API}/{slug}/hosts/mine.example{path}")).status_code == 404


class TestDomains:
    async def test_a_domain_shows_the_brand_once_its_record_is_found(
        self, web_app: WebApp, admin: Visit, dns: DnsServer, slug: str, env: ClientEnv
    ) -> None:
        host = f"portal-{slug}.example"
        await admin.get(f"/brands/{slug}")
        await admin.post(f"/brands/{slug}/hosts", {"host": f"Portal-{slug}.Example"})
        page = (await admin.get(f"/brands/{slug}")).text
        [claim] = (await admin.api("GET", f"{API}/{slug}")).json()["waiting"]
        assert (claim["host"], claim["record_name"], claim["result"]) == (
            host, f"_domain-verification.{host}", "unchecked",
        )  # fmt: skip
        assert claim["record_value"] in page
        for records, result in (({}, "missing"), ({claim["record_name"]: ["v=spf1 -all"]}, "different")):
            dns.records = records
            await admin.post(f"/brands/{slug}/hosts/{host}/verify")
            [checked] = (await admin.api("GET", f"{API}/{slug}")).json()["waiting"]
            assert (checked["result"], checked["checked_at"] is not None) == (result, True)
        dns.broken = {claim["record_name"]}
        await admin.post(f"/brands/{slug}/hosts/{host}/verify")
        assert "DNS does not answer" in (await admin.get(f"/brands/{slug}")).text
        dns.broken, dns.records = set(), {claim["record_name"]: ["v=spf1 -all", claim["record_value"]]}
        await admin.post(f"/brands/{slug}/hosts/{host}/verify")
        view = (await admin.api("GET", f"{API}/{slug}")).json()
        assert (host in view["hosts"], view["waiting"]) == (True, [])
        assert "Calm Harbour" in (await web_app.visit(host).get("/sign-in")).text
        assert await actions(env) >= {"brand.domain_claimed", "brand.domain_added"}

    async def test_a_record_proves_the_domain_for_the_msp_that_waits_only(
        self, web_app: WebApp, admin: Visit, dns: DnsServer, slug: str, other_env: ClientEnv
    ) -> None:
        theirs, host = await set_up_msp(other_env, name="Grey Quay"), f"shared-{slug}.example"
        stranger = await web_app.signed_in(theirs.host, theirs.admin)
        their_slug = f"b-{other_env.scope.tenant_id.hex[-8:]}"
        await admin.get("/brands")
        await stranger.get("/brands")
        [mine] = (await admin.api("PUT", f"{API}/{slug}/hosts/{host}")).json()["waiting"]
        [other] = (await stranger.api("PUT", f"{API}/{their_slug}/hosts/{host}")).json()["waiting"]
        assert mine["record_value"] != other["record_value"]
        dns.records = {mine["record_name"]: [mine["record_value"]]}
        answer = await stranger.api("POST", f"{API}/{their_slug}/hosts/{host}/verification")
        assert answer.json()["waiting"][0]["result"] == "different"
        assert host in (await admin.api("POST", f"{API}/{slug}/hosts/{host}/verification")).json()["hosts"]
        dns.records[mine["record_name"]].append(other["record_value"])
        taken = await stranger.api("POST", f"{API}/{their_slug}/hosts/{host}/verification")
        assert (taken.status_code, taken.json()["title"]) == (409, "The host name is in use")

    async def test_a_waiting_domain_is_withdrawn(self, admin: Visit, slug: str) -> None:
        await admin.get("/brands")
        await admin.api("PUT", f"{API}/{slug}/hosts/gone.example")
        assert (await admin.api("DELETE", f"{API}/{slug}/hosts/gone.example/verification")).status_code == 204
        assert (await admin.api("GET", f"{API}/{slug}")).json()["waiting"] == []
        assert (await admin.api("POST", f"{API}/{slug}/hosts/gone.example/verification")).status_code == 404

    @pytest.mark.parametrize("host", ["nonsense", "a b.example", "[::1]", "10.0.0.1"])
    async def test_an_invalid_host_name_is_refused_and_redisplayed(self, admin: Visit, slug: str, host: str) -> None:
        await admin.get(f"/brands/{slug}")
        answer = await admin.post(f"/brands/{slug}/hosts", {"host": host})
        assert answer.status_code == 422
        assert f'value="{host}"' in answer.text

    async def test_the_last_domain_stays(self, admin: Visit, msp_setup: MspSetup, slug: str) -> None:
        await admin.get(f"/brands/{slug}")
        answer = await admin.post(f"/brands/{slug}/hosts/{msp_setup.host}/remove")
        assert answer.status_code == 409
        assert "only domain" in answer.text
        assert (await admin.get("/brands")).status_code == 200


async def test_every_token_is_on_the_form_and_in_the_api(admin: Visit, slug: str) -> None:
    page = (await admin.get(f"/brands/{slug}")).text
    for token in Theme.__struct_fields__:
        assert f'name="{token}"' in page
    assert set((await admin.api("GET", f"{API}/{slug}")).json()["tokens"]) == set(Theme.__struct_fields__)


def run(environment: dict[str, str | None], *arguments: str) -> Any:
    done = CliRunner().invoke(main, ["brand", *arguments, "--json"], env=environment)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


async def test_brands_by_command(
    environment: dict[str, str | None], msp_setup: MspSetup, env: ClientEnv, slug: str
) -> None:
    await asyncio.to_thread(change_by_command, environment, msp_setup, env, slug)


def change_by_command(environment: dict[str, str | None], msp_setup: MspSetup, env: ClientEnv, slug: str) -> None:
    msp = ("--msp", str(env.scope.msp_id))
    run(environment, "set", *msp, "--brand", slug, "--set", "accent=#0f766e", "--set", "mark=shield")
    [found] = run(environment, "list", *msp)
    assert (found["tokens"]["accent"], found["tokens"]["mark"], found["tokens"]["name"]) == (
        "#0f766e", "shield", "Calm Harbour",
    )  # fmt: skip
    host = f"cli-{slug}.example"
    claim = run(environment, "add-host", *msp, "--brand", slug, "--host", host)["claim"]
    assert (claim["host"], claim["result"]) == (host, "unchecked")
    assert run(environment, "list", *msp)[0]["hosts"] == [msp_setup.host]
    run(environment, "withdraw-host", *msp, "--brand", slug, "--host", host)
    waits = ["brand", "verify-host", *msp, "--brand", slug, "--host", host]
    assert "not waiting" in CliRunner().invoke(main, waits, env=environment).output
    run(environment, "add-host", *msp, "--brand", slug, "--host", host, "--without-proof")
    assert run(environment, "list", *msp)[0]["hosts"] == sorted([host, msp_setup.host])
    run(environment, "remove-host", *msp, "--brand", slug, "--host", host)
    assert run(environment, "list", *msp)[0]["hosts"] == [msp_setup.host]
    last = ["brand", "remove-host", *msp, "--brand", slug, "--host", msp_setup.host]
    refused = CliRunner().invoke(main, last, env=environment)
    assert refused.exit_code != 0
    assert "only domain" in refused.output
    wrong = CliRunner().invoke(main, ["brand", "set", *msp, "--brand", slug, "--set", "colour=red"], env=environment)
    assert wrong.exit_code != 0
