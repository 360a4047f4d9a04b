"""A member's own language and time zone, and those set by administrators; isolation from other accounts."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.web.boundary import Boundary
from tenants.auth.services import AuthServices
from tenants.members.repository import NewMember, create_member, get_member, set_password
from tenants.partners.manage import create_partner
from tenants.preferences.pages import PREFERENCE_PAGES
from tenants.preferences.routes import PREFERENCE_ROUTES
from tenants.preferences.set_preferences import Preferences, set_member_preferences
from tenants.states import PartnerKind
from tests.tenants.auth.test_api_keys import make_key
from tests.tenants.conftest import NOW, PASSWORD, Somebody, Tenant, make_member
from tests.tenants.test_routes import member_with
from tests.tenants.web_app import Browser, build_site, give_host, visiting


@pytest.fixture
async def browser(auth: AuthServices, msp: Tenant) -> AsyncIterator[Browser]:
    host = f"portal-{new_id().hex}.example"
    await give_host(auth.db, msp, host)
    web_app = build_site(auth)
    for handler in (*PREFERENCE_PAGES, *PREFERENCE_ROUTES):
        web_app.register(handler)
    async with visiting(cast("Any", Boundary(cast("Any", web_app)))) as client:
        yield Browser(client, f"https://{host}")


async def stored(auth: AuthServices, somebody: Somebody) -> tuple[str | None, str | None]:
    async with auth.db.transaction(somebody.scope) as session:
        member = await get_member(session, somebody.id)
        return member.language, member.time_zone


@pytest.mark.parametrize(("language", "saved"), [("de", "Gespeichert"), ("es", "Guardado"), ("fr", "Enregistré")])
async def test_a_member_chooses_and_reads_in_the_chosen_language_from_then_on(
    browser: Browser, auth: AuthServices, client: Tenant, language: str, saved: str
) -> None:
    ada = await make_member(auth.db, auth.passwords, client, "ada@example.com")
    assert (await browser.get("/settings")).headers["location"].startswith("/sign-in?next=/settings")
    await browser.sign_in(ada.email)
    page = await browser.get("/settings")
    assert (page.status_code, page.headers["content-language"]) == (200, "en")
    assert '<option value="Europe/Berlin">Europe/Berlin</option>' in page.text
    for name in ("English", "Deutsch", "Español", "Français"):
        assert f">{name}</option>" in page.text
    form = {"language": language, "time_zone": "Europe/Berlin", "_csrf_token": await browser.form_token("/settings")}
    assert (await browser.post("/settings", form)).status_code == 303
    assert await stored(auth, ada) == (language, "Europe/Berlin")
    chosen = await browser.get("/settings?saved=1")
    assert f'<html lang="{language}">' in chosen.text
    assert chosen.headers["content-language"] == language
    assert saved in chosen.text
    back = {"language": "", "time_zone": "", "_csrf_token": await browser.form_token("/settings")}
    await browser.post("/settings", back)
    assert await stored(auth, ada) == (None, None)


async def test_a_member_of_a_partner_has_settings_too(browser: Browser, auth: AuthServices, client: Tenant) -> None:
    partner_id, zoe = new_id(), Somebody(client.scope, new_id(), "zoe@freight.example")
    async with auth.db.transaction(client.scope) as session:
        await create_partner(session, partner_id=partner_id, name="Swift Freight", kind=PartnerKind.LOGISTICS, now=NOW)
        await create_member(session, NewMember(zoe.id, zoe.email, "Zoe", partner_id), now=NOW)
        password_hash = await auth.passwords.prepare(PASSWORD, email=zoe.email)
        await set_password(session, member_id=zoe.id, password_hash=password_hash, now=NOW)
    await browser.sign_in(zoe.email)
    assert (await browser.get("/settings")).status_code == 200
    form = {"language": "de", "time_zone": "Europe/Berlin", "_csrf_token": await browser.form_token("/settings")}
    assert (await browser.post("/settings", form)).status_code == 303
    assert await stored(auth, zoe) == ("de", "Europe/Berlin")


@pytest.mark.parametrize(
    ("language", "time_zone"),
    [
        ("xx", ""),
        ("DE", ""),
        ("de\x00", ""),
        ("", "Mars/Base"),
        ("", "../../etc/passwd"),
        ("d" * 5000, ""),
    ],
)
async def test_nothing_unknown_is_saved(
    browser: Browser, auth: AuthServices, client: Tenant, language: str, time_zone: str
) -> None:
    ada = await make_member(auth.db, auth.passwords, client, "ada@example.com")
    async with auth.db.transaction(ada.scope) as session:
        with pytest.raises(InvalidInput):
            await set_member_preferences(session, ada.id, Preferences(language, time_zone), now=NOW)
    await browser.sign_in(ada.email)
    form = {"language": language, "time_zone": time_zone, "_csrf_token": await browser.form_token("/settings")}
    assert (await browser.post("/settings", form)).status_code == 422
    assert await stored(auth, ada) == (None, None)


async def test_a_form_of_another_site_changes_nothing(browser: Browser, auth: AuthServices, client: Tenant) -> None:
    ada = await make_member(auth.db, auth.passwords, client, "ada@example.com")
    await browser.sign_in(ada.email)
    assert (await browser.post("/settings", {"language": "de", "_csrf_token": "x"})).status_code == 403
    assert await stored(auth, ada) == (None, None)


async def test_an_administrator_sets_those_of_a_member_and_of_the_account(
    browser: Browser, auth: AuthServices, client: Tenant, sibling: Tenant
) -> None:
    viewer = await member_with(auth, client, "client_viewer")
    stranger = await make_member(auth.db, auth.passwords, sibling, "other@example.com")
    root = f"/api/v1/clients/{client.slug}"
    _, key = await make_key(auth, client, "client_admin")

    async def put(path: str, body: object) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return (await browser.send("PUT", path, headers=headers, json=body)).status_code

    assert await put(f"{root}/members/{viewer.id}/preferences", {"language": "de"}) == 204
    assert await stored(auth, viewer) == ("de", None)
    assert await put(f"{root}/preferences", {"language": "de", "time_zone": "Europe/Berlin"}) == 204
    assert await put(f"{root}/preferences", {"language": "xx"}) == 422
    assert await put(f"{root}/members/{stranger.id}/preferences", {"language": "de"}) == 404
    assert await put(f"/api/v1/clients/{sibling.slug}/preferences", {"language": "de"}) == 404
    assert await stored(auth, stranger) == (None, None)
    async with auth.db.transaction(sibling.scope) as session:
        with pytest.raises(NotFound):
            await set_member_preferences(session, viewer.id, Preferences("en"), now=NOW)
