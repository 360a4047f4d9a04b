"""Passkeys in a real Chromium with a virtual authenticator: registration, sign-in, proof, removal."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from sqlalchemy import text

from controlplane.services import Services
from tests.branding.browser import FLAGS
from tests.controlplane.test_second_factor import forget_proof
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, WebApp, set_up_msp

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]


@asynccontextmanager
async def serving(web_app: WebApp) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(cast("Any", web_app.observed), log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    serve = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has this flag only
        await asyncio.sleep(0.01)
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serve


@pytest_asyncio.fixture(loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path is not None, "Chromium is needed: apt-get install chromium"
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        await started.close()


async def with_authenticator(context: BrowserContext, *, verified: bool = True) -> Page:
    """A page whose browser has a platform authenticator that stores discoverable passkeys."""
    page = await context.new_page()
    tools = await context.new_cdp_session(page)
    await tools.send("WebAuthn.enable")
    await tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": verified, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    return page


async def sign_in(page: Page, address: str, email: str) -> None:
    await page.goto(f"{address}/sign-in")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.locator(".viewer")).to_be_attached()


async def register(page: Page, address: str, name: str) -> None:
    await page.goto(f"{address}/settings/security/passkeys/new")
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Create passkey").click()


async def rows(env: ClientEnv, sql: str) -> list[tuple[Any, ...]]:
    async with env.services.db.transaction(env.scope) as session:
        return [tuple(row) for row in await session.execute(text(sql))]


async def test_a_member_registers_a_passkey_and_signs_in_without_a_password(  # noqa: PLR0917 - fixtures
    browser: Browser, web_app: WebApp, services: Services, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    stranger = await set_up_msp(other_env, name="Far Shore")
    async with serving(web_app) as port:
        address = f"http://{msp_setup.host}:{port}"
        context = await browser.new_context()
        page = await with_authenticator(context)
        await sign_in(page, address, msp_setup.approver)
        await register(page, address, "Work laptop")
        await expect(page.get_by_text("Work laptop")).to_be_visible()
        assert await rows(env, "SELECT name, rp_id, last_used_at FROM passkey") == [
            ("Work laptop", msp_setup.host, None)
        ]
        await context.clear_cookies()
        await page.goto(f"{address}/sign-in")
        await page.get_by_role("link", name="Sign in with a passkey").click()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator(".viewer")).to_contain_text("Client approver")
        assert (await rows(env, "SELECT last_used_at IS NOT NULL FROM passkey")) == [(True,)]

        await page.goto(f"http://{stranger.host}:{port}/sign-in/passkey")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.locator("[data-passkey-problem]")).to_be_visible()

        await page.goto(f"{address}/settings/security")
        await page.locator("form[action$='/remove']").filter(has=page.locator("button")).first.locator("button").click()
        await page.locator("#confirm button[value=confirm]").click()
        await expect(page.get_by_role("button", name="Remove")).to_have_count(0)
        assert await rows(env, "SELECT 1 FROM passkey") == []
        await context.clear_cookies()
        await page.goto(f"{address}/sign-in/passkey")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("This passkey is unknown here")).to_be_visible()
        await context.close()
    actions = {action for (action,) in await rows(env, "SELECT action FROM audit_entry")}
    assert {"passkey.added", "passkey.removed", "sign_in.succeeded"} <= actions
    kinds = [kind for (kind,) in await rows(env, "SELECT kind FROM mail ORDER BY id")]
    assert kinds == ["passkey_added", "passkey_removed"]


async def test_a_passkey_is_a_proof_for_dangerous_acts(
    browser: Browser, web_app: WebApp, services: Services, msp_setup: MspSetup
) -> None:
    async with serving(web_app) as port:
        address = f"http://{msp_setup.host}:{port}"
        context = await browser.new_context()
        page = await with_authenticator(context)
        await sign_in(page, address, msp_setup.admin)
        await register(page, address, "Phone")
        await expect(page.get_by_text("Phone", exact=True)).to_be_visible()
        visit = web_app.visit(msp_setup.host)
        (cookie,) = [one for one in await context.cookies() if one["name"] == "session"]
        visit.http.cookies.set("session", cookie["value"])
        await forget_proof(services, msp_setup, visit)
        await page.goto(f"{address}/settings/security/passkeys/new")
        await expect(page).to_have_url(re.compile("/confirm"))
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page).to_have_url(f"{address}/settings/security/passkeys/new")
        await context.close()


async def test_a_person_who_is_not_verified_registers_nothing(
    browser: Browser, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    async with serving(web_app) as port:
        address = f"http://{msp_setup.host}:{port}"
        context = await browser.new_context()
        page = await with_authenticator(context, verified=False)
        await sign_in(page, address, msp_setup.approver)
        await register(page, address, "Stolen laptop")
        await expect(page.locator("[data-passkey-problem]")).to_be_visible(timeout=90_000)
        await context.close()
    assert await rows(env, "SELECT 1 FROM passkey") == []


@pytest.mark.parametrize(
    "response",
    ["", "{", "[]", "{}", '{"id": "a"}', '{"response": {}}', '{"id":1,"rawId":[],"response":{"clientDataJSON":3}}'],
)
async def test_an_invalid_passkey_is_refused(web_app: WebApp, msp_setup: MspSetup, response: str) -> None:
    guest = web_app.visit(msp_setup.host)
    await guest.get("/sign-in/passkey")
    answer = await guest.post("/sign-in/passkey", {"credential": response})
    assert (answer.status_code, "unknown here" in answer.text) == (401, True)
    visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    await visit.get("/settings/security/passkeys/new")
    refused = await visit.post("/settings/security/passkeys/new", {"credential": response, "name": "x"})
    assert refused.status_code == 401
