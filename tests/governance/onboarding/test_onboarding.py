"""Creation of clients, and onboarding up to the first verified value, over the API and on the pages."""

from typing import Any

import pytest

from canonical.elements import STOCK
from governance.onboarding.steps import OnboardingCheck, OnboardingStep
from tests.connectors.running import TOKEN
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

Body = dict[str, Any]


def new_client(**changes: object) -> Body:
    return {"name": "Maple Living", "slug": "maple", "currency": "EUR"} | changes


async def call(visit: Visit, method: str, path: str, body: object = None, *, etag: str = "") -> Any:
    headers = {"X-CSRF-Token": visit.token, "Accept": "application/json"} | ({"If-Match": etag} if etag else {})
    return await visit.http.request(method, path, json=body, headers=headers)


async def steps_of(visit: Visit, slug: str) -> dict[str, str]:
    found = (await visit.api("GET", f"/api/v1/clients/{slug}/onboarding")).json()
    return {step["step"]: step["state"] for step in found["steps"]}


async def checks_of(visit: Visit, slug: str) -> dict[str, str]:
    found = (await visit.api("GET", f"/api/v1/clients/{slug}/onboarding")).json()
    return {check["check"]: check["state"] for check in found["checks"]}


class TestClient:
    async def test_an_admin_creates_a_client_and_its_onboarding_begins(self, admin: Visit) -> None:
        wanted = new_client(language="de", time_zone="Europe/Berlin", region="DE", environment="sandbox")
        made = await admin.api("POST", "/api/v1/clients", wanted)
        assert made.status_code == 201, made.text
        assert made.headers["etag"] == '"1"'
        body = made.json()
        assert {name: body[name] for name in wanted} == wanted
        again = await admin.api("POST", "/api/v1/clients", new_client())
        assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "slug-taken")
        states = await steps_of(admin, "maple")
        assert list(states) == [str(step) for step in OnboardingStep]
        assert (states["client"], states["policy"], states["systems"]) == ("done", "done", "current")
        page = await admin.get("/clients/maple/onboarding")
        assert page.status_code == 200
        assert "No system that reports values is connected." in page.text

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("slug", "Not A Slug"), ("currency", "XXX"), ("currency", "euro"), ("language", "xx"),
            ("time_zone", "Mars/Base"), ("region", "Germany"), ("name", "\u202e"), ("name", ""),
        ],
    )  # fmt: skip
    async def test_a_malformed_part_is_named_on_the_page_and_by_the_api(
        self, admin: Visit, field: str, value: str
    ) -> None:
        refused = await admin.api("POST", "/api/v1/clients", new_client(**{field: value}))
        assert (refused.status_code, refused.json()["field"]) == (422, field)
        await admin.get("/clients/new")
        typed = {name: str(each) for name, each in new_client(environment="live", **{field: value}).items()}
        page = await admin.post("/clients/new", typed)
        if (field, value) != ("currency", "euro"):
            assert page.status_code == 422
        assert f'id="f-{field}-error"' in page.text
        assert (await admin.api("GET", "/api/v1/clients/maple")).status_code == 404

    async def test_the_form_creates_and_edits(self, admin: Visit) -> None:
        await admin.get("/clients/new")
        made = await admin.post("/clients/new", new_client(slug="oak", currency="usd", environment="live"))
        assert (made.status_code, made.headers["location"]) == (303, "/clients/oak/onboarding")
        page = await admin.get("/clients/oak/details")
        assert "usd" not in page.text
        saved = await admin.post(
            "/clients/oak/details",
            {"name": "Oak", "language": "fr", "time_zone": "Europe/Paris", "region": "fr", "revision": "1"},
        )
        assert saved.status_code == 303, saved.text
        body = (await admin.api("GET", "/api/v1/clients/oak")).json()
        assert (body["name"], body["language"], body["region"], body["revision"]) == ("Oak", "fr", "FR", 2)
        late = await admin.post("/clients/oak/details", {"name": "Late", "revision": "1"})
        assert late.status_code == 412
        assert "Late" in late.text

    async def test_an_edit_names_the_revision_that_was_read(self, admin: Visit, msp_setup: MspSetup) -> None:
        one = f"/api/v1/clients/{msp_setup.slug}"
        assert (await call(admin, "PATCH", one, {"name": "Other"})).status_code == 428
        assert (await call(admin, "PATCH", one, {"name": "Other"}, etag='"9"')).status_code == 412
        saved = await call(admin, "PATCH", one, {"name": "Other", "time_zone": "Asia/Tokyo"}, etag='"1"')
        assert (saved.status_code, saved.json()["name"], saved.headers["etag"]) == (200, "Other", '"2"')
        cleared = await call(admin, "PATCH", one, {"time_zone": ""}, etag='"2"')
        assert (cleared.json()["time_zone"], cleared.json()["name"]) == ("", "Other")
        same = await call(admin, "PATCH", one, {"name": "Other"}, etag='"3"')
        assert same.headers["etag"] == '"3"'

    async def test_only_msp_admins_may_and_no_other_msp_sees_it(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
    ) -> None:
        other = await set_up_msp(other_env, name="Other Harbour")
        foreign = await web_app.signed_in(other.host, other.admin)
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        own = f"/api/v1/clients/{msp_setup.slug}"
        for path in (own, f"{own}/onboarding"):
            assert (await foreign.api("GET", path)).status_code == 404
        for path in ("onboarding", "onboarding/systems", "details"):
            assert (await foreign.get(f"/clients/{msp_setup.slug}/{path}")).status_code == 404
            assert (await approver.get(f"/clients/{msp_setup.slug}/{path}")).status_code == 403
        assert (await call(foreign, "PATCH", own, {"name": "Stolen"}, etag='"1"')).status_code == 404
        assert (await foreign.api("POST", f"{own}/onboarding/go-live", {})).status_code == 404
        assert (await approver.api("POST", "/api/v1/clients", new_client())).status_code == 404
        slugs = {row["client"] for row in (await foreign.api("GET", "/api/v1/onboardings")).json()["items"]}
        assert slugs == {other.slug}

    async def test_a_sandbox_client_has_sandbox_connections_only(self, admin: Visit, env: ClientEnv) -> None:
        await admin.api("POST", "/api/v1/clients", new_client(environment="sandbox"))
        shop = {"kind": "sandbox-shop", "name": "Shop", "base_url": env.urls["shop0"], "secrets": {"api_key": TOKEN}}
        root = "/api/v1/clients/maple/connections"
        refused = await admin.api("POST", root, shop | {"environment": "live"})
        assert (refused.status_code, refused.json()["field"]) == (422, "environment")
        assert (await admin.api("POST", root, shop)).status_code == 201


class TestSteps:
    async def test_from_nothing_to_a_proven_value_and_live(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        """The fixture's client has its systems and contracts; the remaining steps follow from its jobs."""
        slug, one = msp_setup.slug, f"/api/v1/clients/{msp_setup.slug}/onboarding"
        states = await steps_of(admin, slug)
        assert (states["contracts"], states["people"], states["baseline"]) == ("done", "done", "open")
        checks = await checks_of(admin, slug)
        assert list(checks) == [str(check) for check in OnboardingCheck]
        assert (checks["credentials"], checks["read_back"], checks["webhooks"]) == ("failed", "failed", "failed")
        refused = await admin.api("POST", f"{one}/go-live", {})
        assert refused.status_code == 409
        assert {"read_back", "webhooks"} <= set(refused.json()["checks"])
        await admin.api("POST", f"{one}/checks", {})
        assert (await checks_of(admin, slug))["credentials"] == "passed"
        await env.deliver(env.change("SKU-001", STOCK, 7))
        await env.work(until="SELECT count(*) > 0 FROM usage_event")
        checks = await checks_of(admin, slug)
        assert set(checks.values()) == {"passed"}, checks
        found = (await admin.api("GET", one)).json()
        assert found["seconds_to_first_sync"] >= 0
        assert found["first_sync_at"]
        live = await admin.api("POST", f"{one}/go-live", {})
        assert live.status_code == 204, live.text
        again = await admin.api("POST", f"{one}/go-live", {})
        assert again.status_code == 409
        [row] = (await admin.api("GET", "/api/v1/onboardings?status=live")).json()["items"]
        assert (row["client"], row["step"]) == (slug, "live")
        page = await admin.get(f"/clients/{slug}/onboarding")
        assert "after the client was created" in page.text
        assert ("onboarding.went_live",) in await env.rows("SELECT action FROM audit_entry")

    async def test_failures_are_reported(self, admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
        slug = msp_setup.slug
        root = f"/api/v1/clients/{slug}/connections"
        away = {
            "kind": "sandbox-shop", "name": "Away", "base_url": "http://127.0.0.1:9", "secrets": {"api_key": TOKEN},
            "skip_test": True,
        }  # fmt: skip
        assert (await admin.api("POST", root, away)).status_code == 201
        checked = await admin.api("POST", f"/api/v1/clients/{slug}/onboarding/checks", {})
        assert {one["check"]: one["state"] for one in checked.json()["checks"]}["credentials"] == "failed"
        states = await steps_of(admin, slug)
        assert states["systems"] == "blocked"
        assert "current" not in states.values()
        page = await admin.get(f"/clients/{slug}/onboarding/systems")
        assert "1 connection does not work." in page.text
        refused = await admin.post(f"/clients/{slug}/onboarding/go-live")
        assert refused.status_code == 409
        assert "not ready to go live" in refused.text

    async def test_values_without_an_owner_leave_the_contracts_open(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        await env.deliver(env.change("SKU-001", STOCK, 5) | {"element": "custom.unheard_of"})
        await env.work(settle=0.5)
        held = await env.rows("SELECT DISTINCT element FROM held_observation")
        if held:  # an undeclared element may be quarantined instead
            assert (await checks_of(admin, msp_setup.slug))["contracts"] == "failed"

    async def test_a_waived_check_needs_a_reason_and_does_not_hold_back(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv
    ) -> None:
        slug = msp_setup.slug
        waivers = f"/api/v1/clients/{slug}/onboarding/waivers"
        page = f"/clients/{slug}/onboarding/waivers/webhooks"
        await admin.get(f"/clients/{slug}/onboarding/go_live")
        refused = await admin.post(page, {"reason": " "})
        assert refused.status_code == 422
        assert "data-shown" in refused.text
        assert (await admin.post(page, {"reason": "It is polled."})).status_code == 303
        assert (await checks_of(admin, slug))["webhooks"] == "waived"
        shown = await admin.get(f"/clients/{slug}/onboarding/go_live")
        assert "It is polled." in shown.text
        assert (await call(admin, "PUT", f"{waivers}/nothing", {"reason": "x"})).status_code == 404
        assert (await call(admin, "PUT", f"{waivers}/read_back", {"reason": "Later"})).status_code == 204
        await admin.api("POST", f"/api/v1/clients/{slug}/onboarding/checks", {})
        assert (await call(admin, "DELETE", f"{waivers}/read_back")).status_code == 204
        assert (await call(admin, "DELETE", f"{waivers}/read_back")).status_code == 404
        assert (await checks_of(admin, slug))["read_back"] == "failed"
        assert (await call(admin, "PUT", f"{waivers}/read_back", {"reason": "Later"})).status_code == 204
        live = await admin.post(f"/clients/{slug}/onboarding/go-live")
        assert live.status_code == 303, live.text
        actions = {action for (action,) in await env.rows("SELECT action FROM audit_entry")}
        assert {"onboarding.check_waived", "onboarding.waiver_withdrawn", "onboarding.went_live"} <= actions

    async def test_msp_operators_read_and_check_but_do_not_let_clients_go_live(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit
    ) -> None:
        await admin.get("/members/invite")
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        for path in ("checks", "go-live"):
            refused = await approver.api("POST", f"/api/v1/clients/{msp_setup.slug}/onboarding/{path}", {})
            assert refused.status_code == 403


async def test_the_list_shows_every_client_of_the_msp_with_its_step(admin: Visit, msp_setup: MspSetup) -> None:
    await admin.api("POST", "/api/v1/clients", new_client())
    rows = {row["client"]: row for row in (await admin.api("GET", "/api/v1/onboardings?status=open")).json()["items"]}
    assert rows["maple"]["step"] == "client"
    assert rows["maple"]["reason"] == "The client's language and time zone are not set."
    assert not rows["maple"]["is_stuck"]
    page = await admin.get("/onboarding?step=client")
    assert 'href="/clients/maple/onboarding/client"' in page.text
    assert (await admin.api("GET", "/api/v1/onboardings?status=stuck")).json()["items"] == []


async def test_a_client_that_is_not_live_is_led_back_to_its_onboarding(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    root = f"/clients/{msp_setup.slug}"
    pages = [f"{root}/contracts", f"{root}/connections/{env.erp}"]
    for path in pages:
        assert "Next: continue the onboarding" in (await admin.get(path)).text, path
    assert f'href="{root}/onboarding">Not live yet<' in (await admin.get("/fleet")).text
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert "Next: continue the onboarding" not in (await approver.get(pages[1])).text
    async with env.services.db.transaction(env.scope) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE onboarding SET live_at = now(), live_by = 'Ada'")
    for path in pages:
        assert "Next: continue the onboarding" not in (await admin.get(path)).text, path
    assert "Not live yet" not in (await admin.get("/fleet")).text
