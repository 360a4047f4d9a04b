"""Links with which somebody without an account renews the credentials of one connection."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from connectors.reconnect_links import ReconnectLinkNotValid, parse_token
from foundation.clock import utc_now
from tenants.accounts import get_client
from tenants.secrets import text_of
from tests.connectors.running import TOKEN
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
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELD = "secret.api_key"


@pytest.fixture
def root(msp_setup: MspSetup) -> str:
    return f"/api/v1/clients/{msp_setup.slug}/connections"


@pytest_asyncio.fixture(loop_scope="module")
async def one(root: str, admin: Visit, env: ClientEnv) -> str:
    """The API's address of a new connection with one credential."""
    body = {"kind": "sandbox-shop", "name": "New shop", "base_url": env.urls["shop0"], "secrets": {"api_key": TOKEN}}
    made = await admin.api("POST", root, body)
    return f"{root}/{made.json()['id']}"


async def new_link(admin: Visit, one: str) -> str:
    """The path of a new link's page."""
    made = await admin.api("POST", f"{one}/reconnect-link")
    assert made.status_code == 201, made.text
    return "/reconnect/" + str(made.json()["link"]).rpartition("/")[2]


async def send(visit: Visit, path: str, key: str, **more: str) -> Any:
    await visit.get(path)
    return await visit.post(path, {FIELD: key, **more})


def same(answer: Any) -> tuple[int, str]:
    """The answer without the parts that differ in each page."""
    return answer.status_code, re.sub(r'value="[^"]*"|[A-Za-z0-9_-]{40,}|[0-9a-f]{16,}', "", answer.text)


async def test_a_link_takes_new_credentials_once_and_gives_no_session(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv, one: str
) -> None:
    path = await new_link(admin, one)
    visitor = web_app.visit(msp_setup.host)
    page = await visitor.get(path)
    assert page.status_code == 200
    assert "New shop" in page.text
    assert "API key" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert (await send(visitor, path, "")).status_code == 422
    wrong = await send(visitor, path, "wrong", credentials_expire_on="2031-02-03")
    assert wrong.status_code == 422
    assert "does not accept these credentials" in wrong.text
    assert 'value="wrong"' not in wrong.text
    saved = await send(visitor, path, TOKEN, credentials_expire_on="2031-02-03")
    assert (saved.status_code, "Saved" in saved.text) == (200, True), saved.text
    assert (await visitor.get(path)).status_code == 410
    inside = await visitor.get(f"/clients/{msp_setup.slug}/connections")
    assert (inside.status_code, inside.headers["location"].startswith("/sign-in")) == (303, True)
    detail = (await admin.api("GET", one)).json()
    [credential] = detail["credentials"]
    assert (credential["set_by"], detail["credentials_expire_on"]) == ("reconnect-link", "2031-02-03")
    assert (await admin.api("GET", f"{one}/reconnect-link")).status_code == 404
    actions = {row[0] for row in await env.rows("SELECT action FROM audit_entry")}
    assert {"reconnect_link.created", "connection.changed", "reconnect_link.used"} <= actions
    [(payload,)] = await env.rows("SELECT payload::text FROM job WHERE payload::text LIKE '%credentials.renewed%'")
    assert str(UUID(one.rpartition("/")[2])) in str(payload)
    everything = await env.rows("SELECT body::text FROM audit_entry")
    assert TOKEN not in str(everything)


async def test_a_link_that_is_not_valid_gets_one_answer(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv, one: str
) -> None:
    visitor = web_app.visit(msp_setup.host)
    first = await new_link(admin, one)
    second = await new_link(admin, one)
    answers = [same(await visitor.get(first)), same(await visitor.get(second[:-43] + "A" * 43))]
    assert (await visitor.get(second)).status_code == 200
    assert (await admin.api("DELETE", f"{one}/reconnect-link")).status_code == 204
    assert (await admin.api("DELETE", f"{one}/reconnect-link")).status_code == 409
    answers.append(same(await visitor.get(second)))
    late = await new_link(admin, one)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE reconnect_link SET expires_at = :past"), {"past": utc_now() - timedelta(1)})
    answers.append(same(await visitor.get(late)))
    answers.append(same(await visitor.get("/reconnect/nothing")))
    unknown = "0" * 32
    answers.append(same(await visitor.get(f"/reconnect/{unknown}{late[43:]}")))
    assert set(answers) == {answers[0]}
    assert answers[0][0] == 410


async def test_no_link_of_a_suspended_client_or_a_deleted_connection_is_valid(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv, one: str
) -> None:
    visitor, path = web_app.visit(msp_setup.host), await new_link(admin, one)
    async with env.services.db.transaction(env.scope) as session:
        client = await get_client(session)
        before, client.status = client.status, "suspended"
    assert (await visitor.get(path)).status_code == 410
    async with env.services.db.transaction(env.scope) as session:
        (await get_client(session)).status = before
    assert (await visitor.get(path)).status_code == 200
    preview = await admin.api("GET", f"{one}/deletion")
    headers = {"X-CSRF-Token": admin.token, "If-Match": preview.headers["etag"]}
    assert (await admin.http.delete(one, headers=headers)).status_code == 204
    assert (await send(visitor, path, TOKEN)).status_code == 410
    assert await env.rows("SELECT count(*) FROM reconnect_link") == [(0,)]


async def test_a_link_belongs_to_its_msp_and_its_client(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, other_env: ClientEnv, one: str
) -> None:
    elsewhere = await set_up_msp(other_env, name="Elsewhere")
    stranger = await web_app.signed_in(elsewhere.host, elsewhere.admin)
    path = await new_link(admin, one)
    assert (await web_app.visit(elsewhere.host).get(path)).status_code == 410
    for method in ("GET", "POST", "DELETE"):
        assert (await stranger.api(method, f"{one}/reconnect-link")).status_code == 404
        own = one.replace(msp_setup.slug, elsewhere.slug)
        assert (await stranger.api(method, f"{own}/reconnect-link")).status_code == 404
    assert (await web_app.visit(msp_setup.host).get(path)).status_code == 200
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"{one}/reconnect-link")).status_code == 403


async def test_guesses_and_failed_tests_are_limited(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit, one: str
) -> None:
    path = await new_link(admin, one)
    visitor = web_app.visit(msp_setup.host)
    tests = [(await send(visitor, path, "wrong")).status_code for _ in range(6)]
    assert (tests[0], tests[-1]) == (422, 429)
    guesses = [(await visitor.get(path[:-43] + text_of(bytes([n]) * 32))).status_code for n in range(6)]
    assert (guesses[0], guesses[-1]) == (410, 429)


async def test_the_page_makes_and_withdraws_a_link(msp_setup: MspSetup, admin: Visit, one: str, env: ClientEnv) -> None:
    page = f"/clients/{msp_setup.slug}/connections/{one.rpartition('/')[2]}"
    assert f"{page}/reconnect-link" in (await admin.get(page)).text
    assert "No link is valid now" in (await admin.get(f"{page}/reconnect-link")).text
    made = await admin.post(f"{page}/reconnect-link")
    assert (made.status_code, f"http://{msp_setup.host}/reconnect/" in made.text) == (200, True)
    shown = (await admin.get(f"{page}/reconnect-link")).text
    assert ("Valid until" in shown, "/reconnect/" in shown) == (True, False)
    assert (await admin.post(f"{page}/reconnect-link/revoke")).status_code == 303
    assert await env.rows("SELECT count(*) FROM reconnect_link") == [(0,)]


@pytest.mark.parametrize("token", ["", "a" * 43, "0" * 64 + "A" * 42, "G" * 64 + "A" * 43, "0" * 64 + "é" * 43])
async def test_other_texts_are_no_token(token: str) -> None:
    with pytest.raises(ReconnectLinkNotValid):
        parse_token(token)
