"""Second factor of sign-in: set-up, use, requirement and reset; sessions; and the proof for dangerous actions."""

import asyncio
import json
import re
from datetime import timedelta
from typing import Any, get_args

import msgspec
import pyotp
import pytest
from click.testing import CliRunner
from litestar.routes import HTTPRoute
from sqlalchemy import text

from controlplane.cli.main import main
from controlplane.services import Services
from foundation.clock import utc_now
from tenants.permissions import MANAGES_ACCESS
from tests.controlplane.test_administration import member_of
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_mailbox_services,
    shared_relay_db,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp

_SECRET = re.compile(r'id="totp-secret">([A-Z2-7]+)<')
_CODE = re.compile(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}")
STEP = "/sign-in/second-step"
SECURITY = "/settings/security"
in_one_loop = pytest.mark.asyncio(loop_scope="module")


def code_of(secret: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).generate_otp(int(utc_now().timestamp()) // 30 + steps)


async def set_up(visit: Visit) -> tuple[str, list[str]]:
    """The app's secret and the recovery codes. The code of the current time step is used."""
    await visit.get(SECURITY)
    begun = await visit.post(f"{SECURITY}/app")
    assert begun.status_code in {200, 201}, begun.text[:500]
    secret = str(_SECRET.search(begun.text)[1])  # type: ignore[index]
    assert "<svg" in begun.text
    shown = await visit.post(f"{SECURITY}/app/confirm", {"code": code_of(secret)})
    codes = _CODE.findall(shown.text)
    assert len(codes) == 10, shown.text[:2000]
    return secret, codes


async def first_step(web_app: WebApp, msp_setup: MspSetup, email: str) -> tuple[Visit, str]:
    """A browser after the password, and the page it was redirected to."""
    visit = web_app.visit(msp_setup.host)
    answer = await visit.sign_in(email)
    assert answer.status_code == 303
    await visit.get(answer.headers["location"])
    return visit, str(answer.headers["location"])


async def actions(env: ClientEnv) -> set[str]:
    async with env.services.db.transaction(env.scope) as session:
        return set(await session.scalars(text("SELECT action FROM audit_entry")))


async def kinds_of_mails(env: ClientEnv) -> list[str]:
    async with env.services.db.transaction(env.scope) as session:
        return list(await session.scalars(text("SELECT kind FROM mail ORDER BY id")))


@in_one_loop
class TestApp:
    async def test_a_code_is_needed_beside_the_password_and_works_once(
        self, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        secret, _ = await set_up(visit)
        guest, place = await first_step(web_app, msp_setup, msp_setup.approver)
        assert place == STEP
        overview = f"/clients/{msp_setup.slug}/overview"
        assert (await guest.get(overview)).headers["location"].startswith("/sign-in")
        await guest.get(STEP)
        used = await guest.post(STEP, {"code": code_of(secret)})
        assert (used.status_code, "was used before" in used.text) == (401, True)
        assert (await guest.post(STEP, {"code": "123456"})).status_code == 401
        right = await guest.post(STEP, {"code": code_of(secret, steps=1)})
        assert right.status_code == 303
        assert (await guest.get(overview)).status_code == 200
        other, _ = await first_step(web_app, msp_setup, msp_setup.approver)
        assert (await other.post(STEP, {"code": code_of(secret, steps=1)})).status_code == 401
        assert {"second_factor.set_up", "second_factor.accepted", "second_factor.failed"} <= await actions(env)
        assert await kinds_of_mails(env) == ["second_factor_set_up"]
        async with env.services.db.transaction(env.scope) as session:
            stored = bytes((await session.execute(text("SELECT secret FROM member_totp"))).scalar_one())
        assert secret.encode() not in stored

    async def test_a_recovery_code_replaces_the_app_once(
        self, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        _, codes = await set_up(visit)
        guest, _ = await first_step(web_app, msp_setup, msp_setup.approver)
        assert (await guest.post(STEP, {"code": codes[0].lower().replace("-", " ")})).status_code == 303
        again, _ = await first_step(web_app, msp_setup, msp_setup.approver)
        assert (await again.post(STEP, {"code": codes[0]})).status_code == 401
        assert "recovery_code_used" in await kinds_of_mails(env)
        await visit.get(SECURITY)
        assert "Unused recovery codes: 9" in (await visit.get(SECURITY)).text
        renewed = _CODE.findall((await visit.post(f"{SECURITY}/recovery-codes")).text)
        assert not {*renewed} & {*codes}
        assert (await again.post(STEP, {"code": codes[1]})).status_code == 401

    async def test_guessing_is_slowed_down(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        secret, _ = await set_up(visit)
        guest, _ = await first_step(web_app, msp_setup, msp_setup.approver)
        answers = [(await guest.post(STEP, {"code": f"{number:06}"})).status_code for number in range(7)]
        assert answers[-1] == 429
        assert (await guest.post(STEP, {"code": code_of(secret, steps=1)})).status_code == 429

    async def test_a_step_without_the_password_leads_to_sign_in(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        guest = web_app.visit(msp_setup.host)
        await guest.get("/sign-in")
        for path in (STEP, "/sign-in/set-up"):
            assert (await guest.get(path)).headers["location"] == "/sign-in?expired=1"
            assert (await guest.post(path, {"code": "123456"})).headers["location"] == "/sign-in?expired=1"

    async def test_the_ticket_of_one_msp_opens_no_other(
        self, web_app: WebApp, msp_setup: MspSetup, other_env: ClientEnv
    ) -> None:
        stranger = await set_up_msp(other_env, name="Far Shore")
        visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        secret, _ = await set_up(visit)
        guest, _ = await first_step(web_app, msp_setup, msp_setup.approver)
        elsewhere = web_app.visit(stranger.host)
        await elsewhere.get("/sign-in")
        elsewhere.http.cookies.set("step", guest.http.cookies["step"], domain=stranger.host)
        answer = await elsewhere.post(STEP, {"code": code_of(secret, steps=1)})
        assert answer.headers["location"] == "/sign-in?expired=1"


@in_one_loop
class TestRules:
    async def test_a_member_who_needs_one_sets_it_up_before_the_session_starts(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        rules = f"/api/v1/clients/{msp_setup.slug}/second-factor-rules"
        assert (await admin.api("PUT", f"{rules}/client_approver")).status_code == 204
        assert [one["role"] for one in (await admin.api("GET", rules)).json()] == ["client_approver"]
        guest, place = await first_step(web_app, msp_setup, msp_setup.approver)
        assert place == "/sign-in/set-up"
        page = await guest.get(place)
        secret = str(_SECRET.search(page.text)[1])  # type: ignore[index]
        assert secret == _SECRET.search((await guest.get(place)).text)[1]  # type: ignore[index]
        overview = f"/clients/{msp_setup.slug}/overview"
        assert (await guest.post(place, {"code": "000000"})).status_code == 422
        assert (await guest.get(overview)).status_code == 303
        await guest.get(place)
        shown = await guest.post(place, {"code": code_of(secret)})
        assert len(_CODE.findall(shown.text)) == 10
        assert (await guest.get(overview)).status_code == 200
        await guest.get(SECURITY)
        kept = await guest.post(f"{SECURITY}/app/remove")
        assert (kept.status_code, "requires a second factor" in kept.text) == (409, True)
        _, place = await first_step(web_app, msp_setup, msp_setup.partner)
        assert place == "/"

    async def test_pages_and_commands_set_them_and_others_cannot(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, environment: dict[str, str | None]
    ) -> None:
        page = f"/clients/{msp_setup.slug}/members/sign-in-rules"
        await admin.get(page)
        assert (await admin.post(page, {"role": "*"})).status_code == 303
        assert "Every member" in (await admin.get(page)).text
        assert (await admin.post(page, {"role": "msp_admin"})).status_code == 422
        assert (await admin.post(f"{page}/*/remove")).status_code == 303
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        rules = f"/api/v1/clients/{msp_setup.slug}/second-factor-rules"
        assert (await approver.api("PUT", f"{rules}/*")).status_code == 403
        tenancy = ["--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id), "--json"]
        for command, required in (("require-factor", True), ("unrequire-factor", False)):
            run = CliRunner(env=environment).invoke
            done = await asyncio.to_thread(run, main, ["member", command, "--role", "client_admin", *tenancy])
            assert done.exit_code == 0, done.output
            assert json.loads(done.stdout)["required"] is required

    async def test_a_role_of_the_accounts_own_can_be_named_and_ends_with_it(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
    ) -> None:
        account, page = f"/api/v1/clients/{msp_setup.slug}", f"/clients/{msp_setup.slug}/members/sign-in-rules"
        wanted = {"name": "Night watch", "permissions": ["change:read"]}
        role = (await admin.api("POST", f"{account}/roles", wanted)).json()["id"]
        approver = await member_of(admin, msp_setup.approver, f"{account}/members")
        assert "Night watch" in (await admin.get(page)).text
        rule = f"{account}/second-factor-rules/{role}"
        stranger = await set_up_msp(other_env, name="Far Shore")
        other = await web_app.signed_in(stranger.host, stranger.admin)
        elsewhere = f"/api/v1/clients/{stranger.slug}/second-factor-rules/{role}"
        assert (await other.api("PUT", elsewhere)).status_code == 422
        assert (await admin.api("PUT", rule)).status_code == 204
        assert "Night watch" in (await admin.get(page)).text
        assert (await first_step(web_app, msp_setup, msp_setup.approver))[1] == "/"
        assigned = f"{account}/members/{approver}/roles/{role}"
        assert (await admin.api("PUT", assigned)).status_code == 204
        assert (await first_step(web_app, msp_setup, msp_setup.approver))[1] == "/sign-in/set-up"
        assert (await admin.api("DELETE", assigned)).status_code == 204
        assert (await admin.api("DELETE", f"{account}/roles/{role}")).status_code == 204
        assert (await admin.api("GET", f"{account}/second-factor-rules")).json() == []


@in_one_loop
class TestReset:
    async def test_an_administrator_resets_a_members_factors(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
    ) -> None:
        visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        await set_up(visit)
        members = f"/clients/{msp_setup.slug}/members"
        member_id = await member_of(admin, msp_setup.approver, f"/api/v1{members}")
        factors = f"/api/v1{members}/{member_id}/second-factors"
        assert (await admin.api("GET", factors)).json()["recovery_codes"] == 10
        stranger = await set_up_msp(other_env, name="Far Shore")
        other = await web_app.signed_in(stranger.host, stranger.admin)
        assert (await other.api("DELETE", factors)).status_code == 404
        assert (await other.api("DELETE", f"/api/v1/members/{member_id}/second-factors")).status_code == 404
        await admin.get(f"{members}/{member_id}")
        assert (await admin.post(f"{members}/{member_id}/second-factor/reset")).status_code == 303
        assert (await admin.api("GET", factors)).json() == {"app_since": None, "recovery_codes": 0, "passkeys": 0}
        assert (await visit.get(f"/clients/{msp_setup.slug}/overview")).status_code == 303
        _, place = await first_step(web_app, msp_setup, msp_setup.approver)
        assert place == "/"
        assert "second_factor_removed" in await kinds_of_mails(env)
        assert "second_factor.reset" in await actions(env)


@in_one_loop
class TestSessions:
    async def test_a_member_sees_and_ends_their_own(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        here = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        there = web_app.visit(msp_setup.host)
        there.http.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/130.0"
        await there.sign_in(msp_setup.approver)
        page = (await here.get(SECURITY)).text
        assert "Firefox on Windows" in page
        ids = re.findall(r"/settings/security/sessions/([0-9a-f]{64})/end", page)
        assert len(ids) == 1
        overview = f"/clients/{msp_setup.slug}/overview"
        assert (await there.get(overview)).status_code == 200
        partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
        await partner.get(SECURITY)
        assert (await partner.post(f"{SECURITY}/sessions/{ids[0]}/end")).status_code == 404
        await here.get(SECURITY)
        assert (await here.post(f"{SECURITY}/sessions/{ids[0]}/end")).status_code == 303
        assert (await there.get(overview)).status_code == 303
        more = [await web_app.signed_in(msp_setup.host, msp_setup.approver) for _ in range(2)]
        await here.get(SECURITY)
        assert (await here.post(f"{SECURITY}/sessions/end-others")).status_code == 303
        assert [(await one.get(overview)).status_code for one in more] == [303, 303]
        assert (await here.get(overview)).status_code == 200

    async def test_an_administrator_ends_a_members(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
    ) -> None:
        visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        members = f"/clients/{msp_setup.slug}/members"
        member_id = await member_of(admin, msp_setup.approver, f"/api/v1{members}")
        sessions = f"/api/v1{members}/{member_id}/sessions"
        (one,) = (await admin.api("GET", sessions)).json()
        stranger = await set_up_msp(other_env, name="Far Shore")
        other = await web_app.signed_in(stranger.host, stranger.admin)
        assert (await other.api("GET", sessions)).status_code == 404
        assert (await other.api("DELETE", f"/api/v1/members/{member_id}/sessions/{one['id']}")).status_code == 404
        assert one["id"] in (await admin.get(f"{members}/{member_id}/sessions")).text
        assert (await admin.api("DELETE", f"{sessions}/{one['id']}")).status_code == 204
        assert (await admin.api("DELETE", f"{sessions}/{one['id']}")).status_code == 404
        assert (await visit.get(f"/clients/{msp_setup.slug}/overview")).status_code == 303


DANGEROUS = {
    "/api-keys/new", "/api-keys/{key_id:uuid}/rotate", "/mail/server", "/mail/server/remove", "/members/sign-in-rules",
    "/clients/{client:str}/connections/{connection_id:uuid}/delete",
    "/clients/{client:str}/connections/{connection_id:uuid}/edit",
    "/clients/{client:str}/connections/{connection_id:uuid}/webhook-secret",
    "/clients/{client:str}/policy/draft/publish", "/members/{member_id:uuid}/roles/{role:str}/give",
    "/members/{member_id:uuid}/roles/{role:str}/take", "/members/{member_id:uuid}/second-factor/reset",
    "/api/v1/api-keys", "/api/v1/api-keys/{key_id:uuid}", "/api/v1/api-keys/{key_id:uuid}/rotation",
    "/webhooks/new", "/webhooks/{endpoint_id:uuid}/edit", "/webhooks/{endpoint_id:uuid}/secret", "/roles/new",
    "/roles/{role:str}/edit", "/roles/{role:str}/delete", "/clients/{client:str}/access/{grant_id:uuid}/answer",
    "/clients/{client:str}/access/setting", "/api/v1/webhook-endpoints",
    "/api/v1/webhook-endpoints/{endpoint_id:uuid}", "/api/v1/webhook-endpoints/{endpoint_id:uuid}/secret",
    "/api/v1/mail-server", "/payment-account", "/api/v1/payment-account",
    "/api/v1/payment-account/links",
    "/clients/{client:str}/invoices/{invoice_id:uuid}/refunds",
    "/api/v1/clients/{client:str}/invoices/{invoice_id:uuid}/refunds",
    "/api/v1/clients/{client:str}/connections/{connection_id:uuid}",
    "/api/v1/clients/{client:str}/connections/{connection_id:uuid}/webhook-secret",
    "/api/v1/clients/{client:str}/policy/draft/publish", "/api/v1/members/{member_id:uuid}/roles/{role:str}",
    "/api/v1/members/{member_id:uuid}/second-factors", "/api/v1/second-factor-rules/{role:str}",
    "/legal-entity", "/api/v1/legal-entity", "/clients/{client:str}/suspend", "/api/v1/clients/{client:str}/suspension",
    "/clients/{client:str}/retention/policy", "/api/v1/clients/{client:str}/retention/policies/{data_class:str}",
    "/clients/{client:str}/retention/holds/{hold_id:uuid}/release",
    "/api/v1/clients/{client:str}/retention/holds/{hold_id:uuid}/release", "/retention/defaults",
    "/api/v1/retention/defaults/{data_class:str}", "/brands/{slug:str}/hosts/{host:str}/remove",
    "/api/v1/brands/{slug:str}/hosts/{host:str}",
}  # fmt: skip


TAKES_AWAY = {
    "/members/{member_id:uuid}/sign-out", "/members/{member_id:uuid}/suspend",
    "/members/{member_id:uuid}/invitation/withdraw", "/members/{member_id:uuid}/sessions/{session_id:str}/end",
    "/api/v1/members/{member_id:uuid}/invitation", "/api/v1/members/{member_id:uuid}/suspension",
    "/api/v1/members/{member_id:uuid}/sessions", "/api/v1/members/{member_id:uuid}/sessions/{session_id:str}",
    "/partners/{partner_id:uuid}/suspend", "/api/v1/partners/{partner_id:uuid}/suspension",
}  # fmt: skip
HARMLESS = {
    "/partners/new", "/partners/{partner_id:uuid}", "/api/v1/partners", "/api/v1/partners/{partner_id:uuid}",
    "/api/v1/members/{member_id:uuid}/preferences", "/api/v1/preferences",
    "/members/{member_id:uuid}/password-reset", "/api/v1/members/{member_id:uuid}/password-reset",  # mailed, not shown
}  # fmt: skip
_SHOWN_ONCE = re.compile(r"secret|password|recovery_code|_link$")


def shows_a_secret(annotation: object) -> bool:
    """Whether a response of this type has a field for a secret."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return any(
            _SHOWN_ONCE.search(one.name) or shows_a_secret(one.type) for one in msgspec.structs.fields(annotation)
        )
    return any(map(shows_a_secret, get_args(annotation)))


async def forget_proof(services: Services, msp_setup: MspSetup, visit: Visit) -> None:
    """Make the session's proof older than ten minutes."""
    msp_id, now = msp_setup.env.scope.msp_id, utc_now()
    session = await services.auth.sessions.find(visit.http.cookies["session"], msp_id=msp_id, now=now)
    assert session is not None
    await services.auth.sessions.prove(session, now=now - timedelta(minutes=11))


class TestStepUp:
    def test_dangerous_acts_declare_it_on_pages_and_in_the_api(self, web_app: WebApp) -> None:
        declared = {
            path
            for route in web_app.app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            if handler.opt.get("step_up") and "GET" not in handler.http_methods
            for path in handler.paths
        }
        assert DANGEROUS - declared == set()

    def test_every_act_that_grants_rights_or_shows_a_secret_declares_it(self, web_app: WebApp) -> None:
        """Acts that remove rights need no proof, because they may be urgent."""
        without = {
            path
            for route in web_app.app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            if not handler.opt.get("step_up") and handler.opt.get("permission") and "GET" not in handler.http_methods
            if handler.opt["permission"] in MANAGES_ACCESS or shows_a_secret(handler.parsed_return_field.annotation)
            for path in (each.replace("/clients/{client:str}", "") for each in handler.paths)
        }
        assert sorted(without ^ (TAKES_AWAY | HARMLESS)) == []

    @in_one_loop
    async def test_an_act_waits_for_a_proof_and_then_continues(
        self, web_app: WebApp, services: Services, admin: Visit, msp_setup: MspSetup
    ) -> None:
        await forget_proof(services, msp_setup, admin)
        refused = await admin.api("POST", "/api/v1/api-keys", {"name": "x", "role": "machine"})
        problem = refused.json()
        assert (refused.status_code, problem["confirm_at"]) == (403, "/confirm")
        assert problem["type"].endswith("step-up-required")
        await admin.get("/api-keys")
        form = {"name": "Import", "role": "msp_operator"}
        referer = {"Referer": f"http://{msp_setup.host}/api-keys"}
        sent = await admin.post("/api-keys/new", form, headers=referer)
        assert (sent.status_code, sent.headers["location"]) == (303, "/confirm?next=%2Fapi-keys")
        await admin.get(sent.headers["location"])
        assert (await admin.post("/confirm", {"password": "wrong", "next": "/api-keys"})).status_code == 401
        done = await admin.post("/confirm", {"password": PASSWORD, "next": "/api-keys"})
        assert (done.status_code, done.headers["location"]) == (303, "/api-keys")
        await admin.get("/api-keys")
        assert (await admin.post("/api-keys/new", form)).status_code == 200
        made = await admin.api("POST", "/api/v1/api-keys", {"name": "y", "role": "msp_admin", "manages_access": True})
        key = {"Authorization": f"Bearer {made.json()['key']}", "Accept": "application/json"}
        machine = web_app.visit(msp_setup.host)
        again = await machine.http.post("/api/v1/api-keys", json={"name": "z", "role": "msp_operator"}, headers=key)
        assert again.status_code == 201, "API keys are exempt"

    @in_one_loop
    async def test_reading_and_everyday_acts_need_none(
        self, services: Services, admin: Visit, msp_setup: MspSetup
    ) -> None:
        await forget_proof(services, msp_setup, admin)
        assert (await admin.get("/api-keys")).status_code == 200
        assert (await admin.post("/mail/test")).status_code == 303

    @in_one_loop
    async def test_a_member_with_an_app_confirms_with_its_code(
        self, web_app: WebApp, services: Services, msp_setup: MspSetup
    ) -> None:
        visit = await web_app.signed_in(msp_setup.host, msp_setup.admin)
        secret, _ = await set_up(visit)
        await forget_proof(services, msp_setup, visit)
        await visit.get(SECURITY)
        assert (await visit.post(f"{SECURITY}/app/remove")).headers["location"].startswith("/confirm")
        await visit.get("/confirm")
        assert (await visit.post("/confirm", {"password": PASSWORD})).status_code == 401
        assert (await visit.post("/confirm", {"code": code_of(secret, steps=1)})).status_code == 303
        await visit.get(SECURITY)
        assert (await visit.post(f"{SECURITY}/app/remove")).status_code == 303

    @in_one_loop
    async def test_confirming_is_slowed_down(self, admin: Visit) -> None:
        await admin.get("/confirm")
        answers: list[Any] = [(await admin.post("/confirm", {"password": "no"})).status_code for _ in range(7)]
        assert answers[-1] == 429
