"""A client's own parts of the brand: page, API, command, partner's pages and mail; never another client's."""

import asyncio
import json
import re
from base64 import b64encode
from email import policy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from branding.client_brands import read_client_image
from branding.directory import read_own_brand
from branding.images import ImageKind
from controlplane.cli.main import main
from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.mail.compose import build_message, write_letter
from tenants.mail.mail_types import MAIL_TYPES, TIMES
from tenants.mail.mailer import Portal, Recipient
from tenants.mail.send_job import find_mail, read_letter, read_sender_brand
from tests.branding.test_images import drawn
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
from tests.tenants.mail.test_mail_texts import sample

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOGO = drawn((300, 100))
FORM = {
    "name": "Birch & Co",
    "monogram": "",
    "own_accent": "on",
    "accent": "#14532D",
    "on_accent": "",
    "sender_name": "",
}


def stylesheets(page: str) -> list[str]:
    return re.findall(r'href="(/client-brand/[^"]+\.css[^"]*)"', page)


async def save(admin: Visit, slug: str, **parts: str) -> None:
    await admin.get("/brands")
    body = {"name": "Birch & Co", "accent": "#14532d", **parts}
    saved = await admin.api("PUT", f"/api/v1/clients/{slug}/brand", body)
    assert saved.status_code == 200, saved.text


async def upload(admin: Visit, slug: str) -> str:
    body = {"content": b64encode(LOGO).decode()}
    saved = await admin.api("PUT", f"/api/v1/clients/{slug}/brand/images/logo", body)
    assert saved.status_code == 200, saved.text
    return str(saved.json()["images"][0]["path"])


class TestPage:
    async def test_the_clients_pages_alone_show_its_parts(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup
    ) -> None:
        address = f"/clients/{msp_setup.slug}/brand"
        page = await admin.get(address)
        assert (stylesheets(page.text), "· Calm Harbour</title>" in page.text) == ([], True)
        saved = await admin.post(address, FORM)
        assert (saved.status_code, saved.headers["location"]) == (303, address)
        for who in (msp_setup.approver, msp_setup.partner):
            visit = await web_app.signed_in(msp_setup.host, who)
            start = await visit.get("/", follow_redirects=True)
            assert "· Birch &amp; Co</title>" in start.text
            [style] = stylesheets(start.text)
            css = await web_app.visit(msp_setup.host).get(style.replace("&amp;", "&"))
            assert css.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert "#14532d" in css.text
        fleet = await admin.get("/fleet")
        assert (stylesheets(fleet.text), "· Calm Harbour</title>" in fleet.text) == ([], True)
        assert "· Calm Harbour</title>" in (await web_app.visit(msp_setup.host).get("/sign-in")).text

    async def test_a_boosted_page_brings_the_colours_and_the_mark_along(
        self, admin: Visit, msp_setup: MspSetup
    ) -> None:
        await save(admin, msp_setup.slug)
        boosted = await admin.get(
            f"/clients/{msp_setup.slug}/brand", headers={"HX-Request": "true", "HX-Boosted": "true"}
        )
        assert len(stylesheets(boosted.text)) == 1
        assert 'id="topbar-brand" hx-swap-oob="true"' in boosted.text
        back = await admin.get("/fleet", headers={"HX-Request": "true", "HX-Boosted": "true"})
        assert stylesheets(back.text) == []

    async def test_the_preview_shows_what_is_typed(self, admin: Visit, msp_setup: MspSetup) -> None:
        address = f"/clients/{msp_setup.slug}/brand"
        shown = await admin.get(f"{address}/preview", params=FORM)
        assert "<b>Birch &amp; Co</b>" in shown.text
        [style] = re.findall(r'href="([^"]+preview\.css[^"]*)"', shown.text)
        assert "#14532d" in (await admin.get(style.replace("&amp;", "&"))).text
        wrong = await admin.get(f"{address}/preview", params=FORM | {"on_accent": "#14532e"})
        assert "has a contrast of" in wrong.text

    async def test_an_unreadable_colour_is_refused_beside_its_field(self, admin: Visit, msp_setup: MspSetup) -> None:
        refused = await admin.post(f"/clients/{msp_setup.slug}/brand", FORM | {"on_accent": "#14532e"})
        assert refused.status_code == 422
        assert 'id="f-on_accent-error"' in refused.text
        assert 'value="Birch &amp; Co"' in refused.text


class TestRights:
    async def test_another_msp_and_members_without_the_right_change_nothing(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
    ) -> None:
        await save(admin, msp_setup.slug)
        path = await upload(admin, msp_setup.slug)
        theirs = await set_up_msp(other_env, name="Grey Quay")
        api, page = f"/api/v1/clients/{msp_setup.slug}/brand", f"/clients/{msp_setup.slug}/brand"
        stranger = await web_app.signed_in(theirs.host, theirs.admin)
        await stranger.get("/brands")
        for method, address in (("GET", api), ("PUT", api), ("DELETE", f"{api}/images/logo")):
            assert (await stranger.api(method, address, {} if method == "PUT" else None)).status_code == 404
        assert (await stranger.post(page, FORM)).status_code == 404
        assert (await stranger.get(path)).status_code == 404
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        await approver.get("/settings")
        assert (await approver.api("PUT", api, {})).status_code == 403
        assert (await approver.get(path)).status_code == 200
        assert (await admin.api("GET", api)).json()["parts"]["name"] == "Birch & Co"


async def test_mail_has_the_clients_sender_and_logo(env: ClientEnv, admin: Visit, msp_setup: MspSetup) -> None:
    await save(admin, msp_setup.slug, sender_name="Birch Shop")
    await upload(admin, msp_setup.slug)
    async with env.services.db.transaction(env.scope) as session:
        brand = await read_own_brand(session)
        logo = await read_client_image(session, ImageKind.LOGO)
    kind, to = MAIL_TYPES["invitation"], Recipient("mia@client.example", "Mia", "en")
    letter = write_letter(kind, sample(kind), brand, to)
    message = build_message(letter, brand, to, mail_id=new_id(), from_address="", at=utc_now(), logo=logo)
    assert message["From"].addresses[0].display_name == "Birch Shop"
    assert message["From"].addresses[0].addr_spec == "help@example.test"
    [image] = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert image.get_content() == logo
    assert "Calm Harbour" not in letter.html + letter.text + message.as_string(policy=policy.default)


async def test_mails_of_invoices_are_the_msps(env: ClientEnv, admin: Visit, msp_setup: MspSetup) -> None:
    await save(admin, msp_setup.slug, sender_name="Birch Shop")
    await upload(admin, msp_setup.slug)
    mailer, to = env.services.auth.mailer, Recipient("mia@client.example", "Mia", "en")
    found = {}
    for code in ("invoice", "credit_note", "invoice_reminder", "invitation"):
        kind = MAIL_TYPES[code]
        params: dict[str, Any] = {**sample(kind), **dict.fromkeys(TIMES & kind.params, utc_now())}
        async with env.services.db.transaction(env.scope) as session:
            mail_id = await mailer.queue(session, kind, to, portal=Portal("", None), now=utc_now(), **params)
            await session.flush()
            mail = await find_mail(session, mail_id)
            assert mail is not None
            brand, letter = await read_sender_brand(session, mail), await read_letter(session, mailer, mail)
        found[code] = (brand.sender_name, ImageKind.LOGO in brand.images, "Birch" in letter.text + letter.html)
    of_msp = ("Calm Harbour", False, False)
    assert found == {
        "invoice": of_msp, "credit_note": of_msp, "invoice_reminder": of_msp, "invitation": ("Birch Shop", True, True),
    }  # fmt: skip


async def test_parts_by_command(
    environment: dict[str, str | None], env: ClientEnv, msp_setup: MspSetup, tmp_path: Path
) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(LOGO)

    def run(verb: str, *arguments: str) -> str:
        of = ("--msp", str(env.scope.msp_id), "--client", str(env.scope.tenant_id))
        done = CliRunner().invoke(main, ["client-brand", verb, *of, *arguments], env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    def act() -> str:
        run("set", "--set", "name=Birch", "--set", "accent=#14532d")
        run("set", "--set", "accent=")
        run("set-image", "--kind", "logo", "--file", str(file))
        run("set-image", "--kind", "icon", "--file", str(file))
        run("remove-image", "--kind", "icon")
        return run("show", "--json")

    view = json.loads(await asyncio.to_thread(act))
    assert (view["parts"]["name"], view["parts"]["accent"], view["shown"]["accent"]) == ("Birch", "", "#1f5fbf")
    assert [one["kind"] for one in view["images"]] == ["logo"]
    async with env.services.db.transaction(env.scope) as session:
        actions = list(await session.scalars(text("SELECT action FROM audit_entry ORDER BY seq DESC LIMIT 2")))
    assert actions == ["client_brand.image_removed", "client_brand.image_set"]
