"""A brand's uploaded images: page, API, command and mail; never under another MSP's host."""

import asyncio
import json
import re
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from branding.directory import BrandDirectory, read_own_brand
from branding.image_store import read_own_image
from branding.images import ImageKind
from controlplane.cli.main import main
from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.mail.compose import build_message, write_letter
from tenants.mail.mail_types import MAIL_TYPES
from tenants.mail.mailer import Recipient
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

API = "/api/v1/brands"
LOGO = drawn((300, 100))


@pytest.fixture
def slug(env: ClientEnv) -> str:
    return f"b-{env.scope.tenant_id.hex[-8:]}"


async def upload(admin: Visit, slug: str, kind: str, content: bytes, name: str = "logo.png") -> httpx.Response:
    await admin.get(f"/brands/{slug}")
    files = {"file": (name, content, "image/png")}
    return await admin.http.post(f"/brands/{slug}/images/{kind}", data={"_csrf_token": admin.token}, files=files)


async def put(admin: Visit, slug: str, kind: str, content: bytes = LOGO) -> httpx.Response:
    await admin.get("/brands")
    return await admin.api("PUT", f"{API}/{slug}/images/{kind}", {"content": b64encode(content).decode()})


def images_of(page: httpx.Response) -> list[str]:
    return re.findall(r'(?:src|href)="(/brand/[^"]+\.png)"', page.text)


async def later(web_app: WebApp, host: str) -> Visit:
    """A visitor without a session, after the web process's cache of brands has expired."""
    web_app.services.get(BrandDirectory)._known.clear()
    return web_app.visit(host)


class TestPage:
    async def test_an_uploaded_logo_and_icon_are_shown_before_anyone_signs_in(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, slug: str
    ) -> None:
        saved = await upload(admin, slug, "logo", LOGO)
        assert (saved.status_code, saved.headers["location"]) == (303, f"/brands/{slug}#images")
        await upload(admin, slug, "icon", drawn())
        stranger = await later(web_app, msp_setup.host)
        page = await stranger.get("/sign-in")
        icon, logo = images_of(page)
        assert f'rel="icon" type="image/png" href="{icon}"' in page.text
        assert 'alt="Calm Harbour"' in page.text
        for path in (icon, logo):
            answer = await stranger.get(path)
            assert answer.status_code == 200
            assert answer.content.startswith(b"\x89PNG")
            assert answer.headers["content-type"] == "image/png"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            known = await stranger.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert (known.status_code, known.content) == (304, b"")
        lost = await stranger.get("/nowhere", headers={"Accept": "text/html"})
        assert logo in lost.text

    async def test_a_replaced_logo_has_another_address_and_the_old_one_shows_it(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, slug: str
    ) -> None:
        await upload(admin, slug, "logo", LOGO)
        [before] = images_of(await (await later(web_app, msp_setup.host)).get("/sign-in"))
        await upload(admin, slug, "logo", drawn((300, 100), (200, 20, 20, 255)))
        stranger = await later(web_app, msp_setup.host)
        [after] = images_of(await stranger.get("/sign-in"))
        assert before != after
        old = await stranger.get(before)
        assert (old.content, old.headers["cache-control"]) == ((await stranger.get(after)).content, "no-cache")

    async def test_a_removed_logo_returns_to_the_monogram(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, slug: str
    ) -> None:
        await upload(admin, slug, "logo", LOGO)
        await upload(admin, slug, "logo-dark", LOGO)
        [path, _] = images_of(await (await later(web_app, msp_setup.host)).get("/sign-in"))
        removed = await admin.post(f"/brands/{slug}/images/logo/remove")
        assert removed.status_code == 303
        stranger = await later(web_app, msp_setup.host)
        page = await stranger.get("/sign-in")
        assert images_of(page) == []
        assert '<svg class="logo"' in page.text
        assert (await stranger.get(path)).status_code == 404
        async with env.services.db.transaction(env.msp_account) as session:
            audited = set(await session.scalars(text("SELECT action FROM audit_entry")))
        assert audited >= {"brand.image_set", "brand.image_removed"}

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"<svg onload='alert(1)'/>", "SVG files may contain scripts"),
            (b"<html><script>alert(1)</script>", "not a PNG, JPEG or WebP image"),
            (b"", "Choose a file."),
        ],
        ids=["svg", "html", "empty"],
    )
    async def test_a_file_is_known_by_its_content_and_refused_in_the_form(
        self, admin: Visit, slug: str, content: bytes, sentence: str
    ) -> None:
        answer = await upload(admin, slug, "logo", content)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert (await admin.api("GET", f"{API}/{slug}")).json()["images"] == []

    async def test_a_logo_that_is_hard_to_see_is_reported_until_there_is_one_for_dark_pages(
        self, admin: Visit, slug: str
    ) -> None:
        await upload(admin, slug, "logo", drawn((300, 100), (0, 0, 0, 255)))
        assert "Hard to see on dark pages" in (await admin.get(f"/brands/{slug}")).text
        await upload(admin, slug, "logo-dark", drawn((300, 100), (255, 255, 255, 255)))
        page = await admin.get(f"/brands/{slug}")
        assert "Hard to see" not in page.text
        preview = await admin.get("/brand-preview", params={"brand": slug, **TOKENS})
        assert len(images_of(preview)) == 4

    async def test_a_logo_for_dark_pages_needs_a_logo(self, admin: Visit, slug: str) -> None:
        answer = await put(admin, slug, "logo-dark")
        assert (answer.status_code, answer.json()["detail"]) == (
            422, "Upload the logo first. The one for dark pages replaces it there.",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "body",
        [b"", b"--x", b"--x--", b"\r\n".join([b"--x", b"Content-Disposition: form-data", b"", b"a", b"--x--", b""])],
        ids=["empty", "cut", "no part", "no name"],
    )
    async def test_a_malformed_form_is_refused(self, admin: Visit, slug: str, body: bytes) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await admin.http.post(f"/brands/{slug}/images/logo", content=body, headers=headers)
        assert answer.status_code in {400, 403}


TOKENS = {"name": "Calm Harbour", "monogram": "CA", "accent": "#1f5fbf", "support_email": "help@example.test"} | {
    "neutral": "cool", "radius": "medium", "font": "system", "mark": "tile",
}  # fmt: skip


class TestRights:
    async def test_another_msp_neither_shows_nor_changes_an_image(
        self, web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv, slug: str
    ) -> None:
        [view] = (await put(admin, slug, "logo")).json()["images"]
        assert (view["kind"], view["width"], view["height"]) == ("logo", 300, 100)
        theirs = await set_up_msp(other_env, name="Grey Quay")
        stranger = await web_app.signed_in(theirs.host, theirs.admin)
        await stranger.get("/brands")
        assert (await stranger.get(view["path"])).status_code == 404
        assert (await put(stranger, slug, "logo")).status_code == 404
        assert (await stranger.api("DELETE", f"{API}/{slug}/images/logo")).status_code == 404
        assert (await upload(stranger, slug, "logo", LOGO)).status_code in {403, 404}
        assert (await (await later(web_app, msp_setup.host)).get(view["path"])).status_code == 200
        async with other_env.services.db.transaction(other_env.msp_account) as session:
            assert await session.scalar(text("SELECT count(*) FROM brand_image")) == 0
        for who in (msp_setup.approver, msp_setup.partner):
            visit = await web_app.signed_in(msp_setup.host, who)
            await visit.get("/settings")
            assert (await put(visit, slug, "logo")).status_code == 404

    async def test_an_unknown_kind_is_not_found(self, admin: Visit, slug: str) -> None:
        assert (await put(admin, slug, "banner")).status_code == 404
        assert (await admin.api("DELETE", f"{API}/{slug}/images/icon")).status_code == 404
        assert (await admin.api("PUT", f"{API}/{slug}/images/logo", {"content": "%"})).status_code == 422


async def test_mail_brings_the_logo_along(env: ClientEnv, admin: Visit, slug: str) -> None:
    await put(admin, slug, "logo")
    async with env.services.db.transaction(env.scope) as session:
        brand = await read_own_brand(session)
        logo = await read_own_image(session, brand, ImageKind.LOGO)
    kind = MAIL_TYPES["invitation"]
    to = Recipient("mia@client.example", "Mia", "en")
    letter = write_letter(kind, sample(kind), brand, to)
    message = build_message(letter, brand, to, mail_id=new_id(), from_address="", at=utc_now(), logo=logo)
    [image] = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert image["Content-ID"] == "<logo@mail>"
    assert image.get_content() == logo
    assert 'src="cid:logo@mail"' in letter.html
    assert 'alt="Calm Harbour"' in letter.html


async def test_images_by_command(
    environment: dict[str, str | None], env: ClientEnv, msp_setup: MspSetup, slug: str, tmp_path: Path
) -> None:
    file = tmp_path / "logo.svg"  # the name does not matter
    file.write_bytes(LOGO)

    def run(*arguments: str) -> str:
        command = ["brand", *arguments, "--msp", str(env.scope.msp_id), "--brand", slug, "--kind", "logo", "--json"]
        done = CliRunner().invoke(main, command, env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    view = json.loads(await asyncio.to_thread(run, "set-image", "--file", str(file)))
    assert (view["kind"], view["width"]) == ("logo", 300)
    await asyncio.to_thread(run, "remove-image")
    async with env.services.db.transaction(env.msp_account) as session:
        assert await session.scalar(text("SELECT count(*) FROM brand_image")) == 0
